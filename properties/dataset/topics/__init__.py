"""The topics of a data set's certificate. To add one, write a function and put it into one of the two tuples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from properties.dataset import input_certificate
from properties.dataset.contribution import Contribution
from properties.dataset.ladder import Rung
from properties.dataset.rung import RungContext
from properties.dataset.topics import gradient_data, kfac_real, real_data, tube_data, width_data
from properties.reading.datasets import Dataset

InputTopic = Callable[[Dataset], Contribution]
"""What is certified of the inputs and targets alone, once a data set."""

RungTopic = Callable[[RungContext], Contribution]
"""What is certified, run and checked with the network of one rung. May raise DescentError, which is reported."""

INPUT_TOPICS: tuple[InputTopic, ...] = (input_certificate.kernels,)
RUNG_TOPICS: tuple[RungTopic, ...] = (
    tube_data.tubes,
    real_data.natural_gradient,
    kfac_real.kronecker,
    gradient_data.gradient_descent,
    width_data.composed_widths,
)


ABOUT: Mapping[RungTopic, Sequence[str]] = MappingProxyType(
    {
        tube_data.tubes: tube_data.OPTIMISERS,
        real_data.natural_gradient: ("ngd",),
        kfac_real.kronecker: ("kfac",),
        gradient_data.gradient_descent: ("gd",),
        width_data.composed_widths: ("ngd", "kfac"),
    }
)
"""The optimisers that a topic has something to say of: it is asked with each alone. One that is not here is asked with NGD."""


def asked_of(rung: Rung, topics: Sequence[RungTopic], optimiser: str) -> Sequence[RungTopic]:
    """Those that are asked of a rung with an optimiser."""
    if rung.tube_only:
        return tuple(topic for topic in topics if topic is tube_data.tubes)
    return tuple(topic for topic in topics if optimiser in ABOUT.get(topic, ("ngd",)))
