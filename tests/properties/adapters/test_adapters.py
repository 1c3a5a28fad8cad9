"""Adapters say which package they need; they import it only when one of them is made."""

import importlib
from collections.abc import Callable
from types import ModuleType

import pytest

from properties import adapters
from properties.adapters import jax, needed, pytorch
from theory.errors import ImplementationError


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: pytorch.from_module(lambda *given: None), "needs PyTorch, which is not installed: pip install"),
        (lambda: pytorch.from_optimiser(lambda *given: None), "needs PyTorch, which is not installed"),
        (
            lambda: jax.from_function(lambda *given: None),
            r"needs JAX, .*install '/path/to/checkout\[peers\]' \(of this project\), or jax alone",
        ),
        (lambda: jax.from_transformation(lambda *given: None), "needs JAX, which is not installed"),
        (lambda: jax.residual(1, 1, 1, 1), "needs JAX, which is not installed"),
    ],
)
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, make: Callable[[], object], said: str) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])

    monkeypatch.setattr(adapters, "importlib", type("fake", (), {"import_module": staticmethod(missing)}))
    with pytest.raises(ImplementationError, match=said):
        make()


def test_an_error_inside_the_package_is_not_taken_for_its_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ModuleNotFoundError("No module named 'other'", name="other")

    monkeypatch.setattr(adapters, "importlib", type("fake", (), {"import_module": staticmethod(broken)}))
    with pytest.raises(ModuleNotFoundError, match="other"):
        needed("torch", "PyTorch")
    assert importlib.import_module("math") is not None


def test_making_no_adapter_imports_neither_package() -> None:
    for module in (pytorch, jax):
        assert not {"torch", "jax"} & {name for name, value in vars(module).items() if isinstance(value, ModuleType)}
