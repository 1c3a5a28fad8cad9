"""Where one Kronecker product is the exact block: L-one, L-linear, L-expand, L-reduce (docs/conformance.md, paragraphs 3 to 6)."""

from __future__ import annotations

from collections.abc import Sequence

from properties.conformance.instances import Instance, allowance, broken, due_matrix, entrywise, judged_curvature
from properties.conformance.library import Library
from properties.conformance.networks import Description, problem_of, simple
from properties.conformance.statement import Build, Statement, both, source
from properties.engine.claim import Bound

ALL_LOSSES = ("half squared", "squared", "softmax", "logistic")


def equals_block(instance: Instance) -> Sequence[Bound]:
    """The matrix that came back is the exact block, entry by entry."""
    answer = instance.answer
    if answer.problem:
        return [broken(answer.problem)]
    bounds = []
    for piece, matrix in zip(answer.pieces, answer.matrices, strict=True):
        if instance.speaks_of(piece.parameter):
            due, size, slack = due_matrix(instance.due, piece, "block")
            allowed = allowance(instance.due, size, matrix, slack, answer.unit_roundoff)
            bounds.append(entrywise(f"|M - block| of parameter {piece.parameter}", matrix, due, allowed))
    return bounds


def _weighted(d: Description, library: Library) -> Instance:
    problem = problem_of(d)
    return Instance(problem.changed(weights=tuple(float(1 + n) for n in range(len(problem.inputs)))), library)


L_ONE = Statement(
    "L-one",
    ": with one datum and each layer applied once, the product of the factors is the layer's exact block; a dense block always is",
    "3",
    sources=(
        source(
            "one datum",
            "one datum through one to three layers",
            both(
                simple(),
                simple(loss="squared"),
                simple(outputs=1),
                simple(bias=True),
                simple(reduction="outputs"),
                simple(loss="softmax"),
                simple(loss="logistic", outputs=2, bias=True),
                simple(net="deep", activation="relu", bias=True),
                simple(net="deep", activation="tanh", loss="softmax", bias=True, hidden=3),
                simple(approximation="reduce"),
                simple(net="convolution", convolution=0),
            ),
            net=("linear", "deep", "deeper"),
            data=(1,),
            loss=ALL_LOSSES,
            approximation=("expand", "reduce"),
            examples=(10, 420, 2000),
        ),
        source(
            "one pooled datum",
            "one datum of several positions, their mean after an affine layer",
            both(*(simple(net="pooled", positions=2, approximation="reduce", loss=loss) for loss in ALL_LOSSES)),
            net=("pooled",),
            activation=("identity",),
            data=(1,),
            loss=ALL_LOSSES,
            approximation=("reduce",),
            examples=(5, 160, 800),
        ),
        source(
            "dense blocks",
            "dense blocks of any of the networks",
            both(
                *(
                    simple(net="deep", activation="relu", data=2, approximation="blocks", bias=bias, seed=3)
                    for bias in (False, True)
                )
            ),
            net=("linear", "deep", "tied", "tokens", "pooled", "convolution", "pooled-convolution", "mixed-tokens"),
            data=(1, 2, 3),
            loss=ALL_LOSSES,
            approximation=("blocks",),
            examples=(5, 160, 800),
        ),
    ),
    hypotheses=judged_curvature,
    conclusion=equals_block,
    faults=(
        "squared-loss-halved",
        "factors-exchanged",
        "axes-of-one",
        "parameter-missing",
        "model-twice",
        "bias-flag",
        "transposed-layer",
        "no-bias-column",
        "first-row-zero",
        "centred",
    ),
    borders=(
        source(
            "a layer twice",
            "a layer that is applied twice",
            both(simple(net="tied", activation="identity")),
            net=("tied",),
            data=(1,),
        ),
        source(
            "two data",
            "two data through a network with ReLU",
            both(simple(net="deep", data=2, activation="relu", hidden=3, seed=1)),
            net=("deep",),
            data=(2, 3),
            activation=("relu",),
        ),
    ),
)


def _last(d: Description, library: Library) -> Instance:
    return Instance(problem_of({**d, "net": "deep"}), library, judged=(1,))


L_LINEAR = Statement(
    "L-linear",
    ": where only affine maps come after a layer, with squared loss and equal weights, the product of the factors is the exact block",
    "4",
    sources=(
        source(
            "affine after",
            "several data through affine layers",
            both(
                simple(data=2),
                simple(data=2, reduction="sum"),
                simple(data=3, reduction="outputs", loss="squared"),
                simple(data=2, bias=True),
                simple(net="deep", data=2, bias=True),
                simple(data=2, approximation="reduce"),
            ),
            net=("linear", "deep", "deeper"),
            activation=("identity",),
            approximation=("expand", "reduce"),
            examples=(10, 450, 2000),
        ),
        source(
            "last layer",
            "the last layer of a network with ReLU or tanh",
            both(*(simple(net="deep", activation=act, data=2, bias=True) for act in ("relu", "tanh"))),
            build=_last,
            activation=("relu", "tanh"),
            approximation=("expand", "reduce"),
            examples=(5, 160, 800),
        ),
    ),
    hypotheses=judged_curvature,
    conclusion=equals_block,
    faults=("mean-gradients", "batch-cubed", "squared-loss-halved", "no-bias-column"),
    borders=(
        source(
            "softmax", "softmax with several data", both(simple(data=2, loss="softmax")), loss=("softmax",), data=(2, 3)
        ),
        source(
            "weights", "data with the weights 1, 2, ...", both(simple(data=2, seed=1)), build=_weighted, data=(2, 3, 4)
        ),
        source(
            "not affine",
            "ReLU after the layer",
            both(simple(net="deep", activation="relu", data=2, hidden=3, seed=1)),
            net=("deep",),
            activation=("relu",),
            data=(2, 3),
        ),
    ),
)

L_EXPAND = Statement(
    "L-expand",
    ": where every position has an output of its own by the same affine map, the factors of the setting expand give the exact block",
    "5",
    sources=(
        source(
            "positions",
            "data of several positions through affine layers",
            both(
                simple(net="tokens", positions=2, reduction="sum"),
                simple(net="tokens", positions=2, data=2, reduction="batch"),
                simple(net="tokens", positions=1, data=2, ragged=True, reduction="tokens", bias=True),
                simple(net="tokens", positions=2, data=3, ragged=True, reduction="sum"),
            ),
            net=("tokens",),
            activation=("identity",),
            reduction=("sum", "tokens", "batch", "outputs"),
            examples=(8, 300, 1500),
        ),
        source(
            "windows",
            "a convolution whose every position is an output",
            both(
                simple(net="convolution", convolution=0, positions=3, reduction="tokens"),
                simple(net="convolution", convolution=1, positions=4, data=2, reduction="sum", bias=True),
            ),
            net=("convolution",),
            activation=("identity",),
            reduction=("sum", "tokens", "batch", "outputs"),
            convolution=tuple(range(8)),
            examples=(8, 250, 1500),
        ),
    ),
    hypotheses=judged_curvature,
    conclusion=equals_block,
    faults=("repeated-taken-for-dense", "expand-by-batch", "spatial-factor"),
    borders=(
        source("mean of means", "a mean of each datum's mean, ragged", both(simple(net="tokens", data=2, ragged=True, reduction="each", positions=1)), net=("tokens",), activation=("identity",), ragged=(True,), data=(2, 3), reduction=("each",)),
        source("pooled", "a pool of the positions", both(simple(net="pooled", positions=2)), net=("pooled",), activation=("identity",), positions=(2, 3)),
        source("mixed", "an output of several positions", both(simple(net="mixed-tokens", positions=3)), net=("mixed-tokens",), activation=("identity",), positions=(3, 4)),
        source("map of each position", "a map of its own for every position", both(simple(net="flat-convolution", positions=3)), net=("flat-convolution",), activation=("identity",), positions=(3, 4), convolution=(0,)),
    ),
)  # fmt: skip


def _only(net: str, parameter: int) -> Build:
    def build(d: Description, library: Library) -> Instance:
        return Instance(problem_of({**d, "net": net}), library, judged=(parameter,))

    return build


L_REDUCE = Statement(
    "L-reduce",
    ": where positions reach one loss term of each datum by their mean, the factors of the setting reduce give the exact block",
    "6",
    sources=(
        source(
            "mean pool",
            "data of several positions, pooled to one",
            both(
                simple(net="pooled", positions=2, approximation="reduce"),
                simple(net="pooled", positions=1, data=2, ragged=True, approximation="reduce", bias=True),
                simple(net="pooled", positions=2, data=3, approximation="reduce", reduction="outputs", loss="squared"),
                simple(net="pooled-convolution", convolution=0, positions=3, data=2, approximation="reduce"),
            ),
            net=("pooled", "pooled-convolution"),
            activation=("identity",),
            approximation=("reduce",),
            positions=(2, 3, 4),
            convolution=tuple(range(8)),
            examples=(8, 400, 2000),
        ),
        source(
            "sum pool",
            "as many positions in every datum, summed",
            both(simple(net="summed", positions=2, data=2, approximation="reduce")),
            net=("summed",),
            activation=("identity",),
            ragged=(False,),
            approximation=("reduce",),
            examples=(4, 120, 600),
        ),
        source(
            "last convolution",
            "the last of two convolutions before a pool",
            both(simple(net="two-convolutions", positions=4, data=2, approximation="reduce")),
            build=_only("two-convolutions", 1),
            activation=("identity",),
            positions=(3, 4),
            approximation=("reduce",),
            examples=(4, 80, 400),
        ),
    ),
    hypotheses=judged_curvature,
    conclusion=equals_block,
    faults=("sequence-of-layer",),
    borders=(
        source("ragged sum", "a sum of as many positions as there are", both(simple(net="summed", data=2, positions=1, ragged=True, approximation="reduce")), net=("summed",), activation=("identity",), data=(2, 3), ragged=(True,), approximation=("reduce",)),
        source("first convolution", "the first of two convolutions", both(simple(net="two-convolutions", positions=4, approximation="reduce")), build=_only("two-convolutions", 0), activation=("identity",), positions=(4,), approximation=("reduce",)),
        source("window", "a convolution between the layer and the pool", both(simple(net="window", positions=3, approximation="reduce")), build=_only("window", 0), activation=("identity",), positions=(3, 4), approximation=("reduce",)),
        source("softmax", "softmax with several data", both(simple(net="pooled", data=2, positions=2, loss="softmax", approximation="reduce")), net=("pooled",), activation=("identity",), loss=("softmax",), data=(2, 3), approximation=("reduce",)),
    ),
)  # fmt: skip

STATEMENTS = (L_ONE, L_LINEAR, L_EXPAND, L_REDUCE)
