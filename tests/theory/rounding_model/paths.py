"""Cases for segments, crossings and the variation along a step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.theory.rounding_model.case import UNIT_ROUNDOFF, Case, Measured
from tests.theory.rounding_model.machine import Theory
from tests.theory.rounding_model.products import network

U = UNIT_ROUNDOFF
D = U / (1 + U)
NORMS = "theory.stability.norms"
PATH = "theory.stability.path"
PATTERN_CHANGE = "theory.stability.pattern_change"
VARIATION = "theory.stability.variation"
CROSSINGS = "theory.stability.crossings"


def pre_activations() -> Case:
    """Scalar products rounded in any direction, of weights of any size."""

    def measure(theory: Theory) -> Measured:
        error_of = theory.function("theory.rigour.pre_activations", "pre_activation_error")
        for weights, row in (
            ([[0.7, 0.9]], [0.6, 0.8]),
            ([[0.6, 0.8]], [0.6, 0.8]),
            ([[0.5, 0.5, 0.5, 0.5, 0.5]], [5**-0.5] * 5),
            ([[1e200, 1e200]], [0.6, 0.8]),
        ):
            net = network(theory, weights, [1.0])
            Z = net.pre_activations(np.array([row]))
            exact = (
                float(np.dot(np.array(row) / 1.0, np.array(weights[0]) * 2.0**-700) * 2.0**700)
                if weights[0][0] > 1e100
                else float(np.dot(row, weights[0]))
            )
            yield abs(float(Z[0, 0]) - exact), float(error_of(net)[0])
        net = network(theory, [[2.0**-1074, 2.0**-1074]], [1.0])
        yield 2.0**-1075, float(error_of(net)[0])

    return Case("pre-activations", ("rigour.pre_activations:pre_activation_errors",), measure)


def lines() -> Case:
    """Bounds between two ends of a part: attained by a function that is as steep as it may be."""

    def measure(theory: Theory) -> Measured:
        bound = theory.function(PATH, "lipschitz_bound")
        yield 1.5, bound((0.0, 1.0, 1.0, 1.0), 1.0)
        yield 1.5, bound((0.0, 1.0, 0.5, 1.4), 1.2)
        yield 1.6, bound((0.5, 1.0, 1.0, 9.0), 1.2)
        yield 1.6, bound((0.5, 9.0, 1.0, 1.0), 1.2)
        yield 0.7, bound((0.5, 0.7, 1.0, 0.7), 0.0)
        longest = theory.function(PATH, "longest_row_move")
        for start, end in (([0.0], [0.9]), ([0.3, -0.2, 0.7], [-0.6, 0.9, 0.1]), ([2.0**-1060], [2.0**-1061])):
            exact = math.dist(start, end) if abs(start[0]) > 1e-300 or end[0] > 1e-300 else 2.0**-1061
            yield exact, longest(np.array([start]), np.array([end]))
        yield 9 * 0.25, longest(np.full((1, 81), 0.25), np.zeros((1, 81)))

    return Case("bounds on a part", ("stability.path:lipschitz_bound", "stability.path:longest_row_move"), measure)


def smooth_paths() -> Case:
    """Segments of a sine network: J moves as fast as its curvature allows, or does not move and is only rounded."""

    def measure(theory: Theory) -> Measured:
        path = theory.module(PATH)
        for n, width, a, b in (
            (1, 4, 1.5, 1.7),
            (1, 1, 0.3, 0.3),
            (2, 3, 1.5707, 1.5708),
            (1, 1, 300.0, 300.0 + 2**-10),
        ):
            rows = np.ones((n, 1))
            net = network(theory, np.full((width, 1), a), np.ones(width), "sin")
            start, end = np.full((n, width), a), np.full((n, width), b)
            segments = path.SmoothSegments(net, start, rows)
            yield (
                math.sqrt(n) * abs(b - a) * math.sqrt(n * 1.0) * abs(math.sin(a)) * 0
                + math.sqrt(n) * abs(b - a) * abs(math.sin((a + b) / 2)),
                segments.speed(start, end) * math.sqrt(n) / math.sqrt(n),
            )
            lower, upper = segments.supremum(start, end, 4)
            exact = math.sqrt(n) * abs(math.cos(b) - math.cos(a))
            yield exact, upper
            yield lower, exact

    names = ("SmoothSegments.speed", "SmoothSegments.supremum")
    return Case("segments of a sine network", tuple(f"stability.path:{name}" for name in names), measure, searched=True)


def flips() -> Case:
    """Changes of a pattern that are as large as their number allows."""

    def measure(theory: Theory) -> Measured:
        module = theory.module(CROSSINGS)
        for flips, width, longest in ((3, 7, 1.0), (1, 3, 1.0), (2, 5, 1.25)):
            found = module.jacobian_change(np.array([flips]), flips, 9.0, longest, width)
            yield math.sqrt(flips * longest / width), float(found[0])
            found = module.jacobian_change(np.array([flips]), flips, 1.3, 9.0, width)
            yield math.sqrt(flips * 1.3 / width), float(found[0])
        values = np.array([0.3, 0.7, 0.1, 0.9, 0.2])
        sums = module.largest_sums(values)
        for p in range(6):
            yield float(np.sort(values)[::-1][:p].sum()), float(sums[p])
        steps = np.array([0.0, 0.3, 0.7, 0.9])
        bound = module.subset_bound(lambda numbers: steps[numbers], 3, 0.9, 0.9)
        yield 0.9 + 0.3, bound
        bound = module.subset_bound(lambda numbers: steps[numbers], 3, 0.3, 9.0)
        yield 0.3 + 0.9, bound
        bound = module.subset_bound(lambda numbers: steps[numbers], 3, 9.0, 0.3)
        yield 0.3 + 0.9, bound
        bound = module.subset_bound(lambda numbers: 0.0 * steps[numbers], 3, 0.7, 0.7)
        yield 0.7, bound
        change = theory.function(PATTERN_CHANGE, "PatternChange")(np.array([[0.6, 0.8]]), 3)
        excess = theory.function(NORMS, "squared_norm_excess")(2)
        yield math.sqrt((1 + excess) * (1 - 3 * U) / 3), float(change.jump(np.array([1]), 1, 1)[0])

    names = ("jacobian_change", "largest_sums", "subset_bound")
    watches = (*(f"stability.crossings:{name}" for name in names), "stability.pattern_change:PatternChange.jump")
    return Case("changes of a pattern", watches, measure)


def crossing_times() -> Case:
    """Crossing times in wrong order are never separated."""

    def measure(theory: Theory) -> Measured:
        module = theory.module(CROSSINGS)
        for gap in (0.5, 1.0, 2.0, 3.0, 3.9):
            start = np.array([[0.3, 0.3 * (1 + gap * U)]])
            end = np.array([[-0.7, -0.7]])
            crossings = module.Crossings.between(start, end)
            times = start / (start - end)
            computed_order = crossings.neurons.tolist() == np.argsort(times[0], kind="stable").tolist()
            yield (1.0 if crossings.separable[1] and not computed_order else 0.0), 0.5
        yield 2 * D, module.CROSSING_ERROR

    return Case("crossing times", ("stability.crossings:Crossings.between",), measure, searched=True)


def relative_norms() -> Case:
    """``||(K o T) G^{-1}||`` of scalars and small matrices: K, G or the solution off by what is stated, or only rounded."""

    def measure(theory: Theory) -> Measured:
        module = theory.module(VARIATION)
        for kernel, gram, T, kernel_error, gram_error, error, wrong in (
            (1.0, 1.0, 0.7, 0.25, 0.0, 0.0, 1.0),
            (1.0, 1.0, 0.7, 0.0, 0.25, 0.0, 1.0),
            (1.0, 1.0, 0.7, 0.25, 0.25, 0.0, 1.0),
            (1.0, 1.0, 0.7, 0.0, 0.0, 0.25, 1.0),
            (0.9, 0.7, 0.7, 0.0, 0.0, 0.0, 1 + 12 * U),
            (0.9, 0.7, 0.7, 0.0, 0.0, 0.0, 1 - 12 * U),
        ):
            K, G = np.array([[kernel]]), np.array([[gram]])
            relative = module._Relative(K, G, kernel_error, gram_error)
            plain = relative.solve
            relative.solve = lambda right, solve=plain, w=wrong: solve(right) * w
            lower, upper = relative.norm(np.array([[T]]), error)
            most = (kernel + kernel_error) * T / (gram - gram_error) + error
            least = (kernel - kernel_error) * T / (gram + gram_error) - error
            yield most, upper
            yield lower, least
            yield kernel + kernel_error, relative.longest
            yield kernel + kernel_error, relative.norm_squared
            yield relative.lambda_min, gram - gram_error
        relative = module._Relative(np.eye(2), np.array([[1.0, 0.99], [0.98, 1.0]]), 0.0, 0.0)
        yield relative.lambda_min, 1 - 0.985
        # a solution of a system off by (3 n + 1) u n ||G||, in the direction in which G is small
        relative = module._Relative(np.eye(6), np.diag([1.0, 1.0, 1.0, 1.0, 1.0, 0.01]), 0.0, 0.0)
        plain = relative.solve
        for sign in (1, -1):
            relative.solve = lambda right, solve=plain, s=sign: solve(right) * (1 + s * 11000 * U)
            lower, upper = relative.norm(np.diag([0.0, 0.0, 0.0, 0.0, 0.0, 0.3]), 0.0)
            yield 30.0, upper
            yield lower, 30.0
        two = np.array([[1.0, 0.5], [0.5, 1.0]])
        relative = module._Relative(two, two + 0.0, 0.0, 0.0)
        yield 1.5, relative.norm_squared
        for size in (1, 2, 6):
            eye, G, flips = np.eye(size), np.eye(size) * 0.7, np.eye(size) * 0.3
            lower, upper = module._Relative(eye, G, 0.0, 0.0).norm(flips, 0.0)
            yield 0.3 / 0.7, upper
            yield lower, 0.3 / 0.7
            relative = module._Relative(np.full((size, size), 0.9), G, 0.0, 0.0)
            lower, upper = relative.norm(np.full((size, size), 0.3), 0.0)
            exact = 0.27 * size / 0.7
            yield exact, upper
            yield lower, exact
            yield 0.9 * size, relative.norm_squared

    names = ("_Relative.__init__", "_Relative.norm")
    return Case("norms relative to G", tuple(f"stability.variation:{name}" for name in names), measure, searched=True)


def shares_of_flips() -> Case:
    """What one flip adds."""

    def measure(theory: Theory) -> Measured:
        module = theory.module(VARIATION)
        for kernel, gram, kernel_error, gram_error, wrong in (
            (1.0, 1.0, 0.25, 0.0, 1.0),
            (1.0, 1.0, 0.0, 0.25, 1.0),
            (0.9, 0.7, 0.0, 0.0, 1 - 12 * U),
            (0.9, 0.7, 0.0, 0.0, 1.0),
        ):
            for n in (1, 5):
                start, end = np.full((n, 3), 0.5), np.full((n, 3), 0.5)
                end[0, 0] = -0.5
                K, G = np.full((n, n), kernel), np.eye(n) * gram
                relative = module._Relative(K, G, kernel_error, gram_error)
                plain = relative.solve
                relative.solve = lambda right, solve=plain, w=wrong: solve(right) * w
                crossings = theory.function(CROSSINGS, "Crossings").between(start, end)
                flipped = module._FlippedProducts(crossings, start >= 0)
                share = flipped.shares(0, 1, relative, 3)
                exact = math.sqrt(n) * (kernel + kernel_error) / (gram - gram_error) / 3
                yield exact, float(share[0])

    return Case("shares of flips", ("stability.variation:_FlippedProducts.shares",), measure)


def smooth_variation(rows: tuple[tuple[float, float, int, float], ...], searched: bool) -> Case:
    """A sine network of one input and kernels of any size: slopes, their products and the point on the segment are off."""

    def measure(theory: Theory) -> Measured:
        variation = theory.module(VARIATION)
        for a, b, width, scale in rows:
            start, end = np.full((1, width), a), np.full((1, width), b)
            kernel, gram = np.array([[scale]]), np.array([[scale * math.cos(a) ** 2]])
            lower, upper = variation.segment_variation(start, end, np.ones(width), kernel, gram, 2, "sin")
            exact = (
                max(abs(math.cos(z) - math.cos(a)) * abs(math.cos(a)) for z in np.linspace(a, b, 9)) / math.cos(a) ** 2
            )
            yield exact, upper
            yield lower, exact

    return Case(
        f"variation of a sine network of {rows[-1][2]} neurons",
        ("stability.variation:_smooth_variation",),
        measure,
        searched,
    )


SINES = (
    (1.5, 1.7, 3, 1.0),
    (0.3, 0.4, 3, 1.0),
    (0.3, 0.3, 1, 1.0),
    (0.3, 0.4, 3, 4.0**8),
    (0.3, 0.3, 1, 4.0**8),
    (300.0, 300.0, 1, 1.0),
    (300.0, 300.0 + 2**-12, 1, 1.0),
    (1.5, 1.5, 9, 1.0),
    (1.55, 2.9, 1, 1.0),
)
WIDE_SINES = ((0.3, 0.9, 600, 1.0),)
"""Ends, width and size of K."""

CASES: tuple[Any, ...] = (
    pre_activations(),
    lines(),
    smooth_paths(),
    flips(),
    crossing_times(),
    relative_norms(),
    shares_of_flips(),
    smooth_variation(SINES, True),
    smooth_variation(WIDE_SINES, False),
)
