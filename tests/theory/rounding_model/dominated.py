"""Terms that no case needs, each with the reason: without them the other terms of the same bound are enough, or no case goes there."""

from __future__ import annotations

import re

from tests.theory.rounding_model.terms import Term

OWN = "the bound's own rounding, for which other counts have room at these sizes"
RANGE = "underflow: the coarse arithmetic has all of float64's range"
SECOND = "a rounding of a rounding"
LARGER = "part of what is computed, not of its bound: without it the bound is larger"
COUNT = "a count of roundings with room for this part of it at these sizes"
NORM = "the norm's own gamma_{n+2} has room for one rounding more where n > 1, and for n = 1 the norm is exact"
ENDS = "either end's 4 u is enough for the point between them, unless parts are as short as u"

EVERYWHERE = (
    (r"^gamma\(.*\) in 1 [+-] gamma\(", OWN),
    (r"^UNDERFLOW in |^all of \w+ \+= UNDERFLOW$|^n \* n \* SMALLEST_NORMAL in ", RANGE),
)
"""Patterns of what is left out, in any function."""

BY_FUNCTION: dict[str, tuple[tuple[str, str], ...]] = {
    "rigour.definiteness.cholesky_error": (
        (
            r"^2 \* UNIT_ROUNDOFF \* largest_diagonal",
            "the doubled gamma of the trace covers one rounding of the diagonal",
        ),
        (r"^rounding in 1 - rounding", SECOND),
    ),
    "rigour.definiteness.largest_eigenvalues_above": (
        (r"^vectors \* spectra in matrices|^np.eye\(size\) in", LARGER),
        (
            r"^np.abs\((vectors \* spectra|matrices)\)",
            "where A V is nearly V L, |V L| is at most |A| |V|, which for few rows is not much larger, and both are charged",
        ),
        (r"^all of defect \+=", SECOND),
        (r"^defect in 1 \+ defect", "Weyl's bound, the error itself, is smaller"),
    ),
    "rigour.inverse_form._bounds": (
        (r"^np.abs\(vector\) in", "|y| is at most |y - A x| + |A| |x|"),
        (r"^given @ solution in", LARGER),
        (
            r"margin \+=|^2 \* gamma\(len|^UNIT_ROUNDOFF",
            "the doubled remainder holds gamma_{n+2} of as much, over lambda_min",
        ),
    ),
    "rigour.step_bounds.solve_defect": ((r"^matrix @ solution in", LARGER),),
    "rigour.kronecker.KroneckerSolution.of": ((r"^residual_error in euclid", "the displacement holds it too"),),
    "rigour.kronecker.KroneckerSolution.length_error": (
        (r"^self.pattern_gram_error in np.trace", SECOND),
        (r"^gamma\(8\) \* length", "the form's gamma over the root is more"),
    ),
    "stability.norms.input_norm_squared": ((r"^squared_norm_excess", SECOND),),
    "stability.norms._moved": ((r"^squared_norm_excess", SECOND),),
    "stability.norms._residual_norm": (
        (r"^2 \* UNIT_ROUNDOFF", "the slack of the norm has room for one rounding of each entry"),
        (
            r"^targets in outputs - targets",
            "in the bound of one rounding, which the norm's slack covers; in what is computed it is missed",
        ),
        (r"^slack in 1 \+ slack", SECOND + ", for the error; the norm's is shown"),
    ),
    "stability.path.lipschitz_bound": ((r"^left in right - left", LARGER),),
    "stability.path.SmoothSegments.supremum": ((r"^euclidean_norm\((start|end)\) in", ENDS),),
    "stability.crossings.subset_bound": ((r"^behind in number - behind", LARGER),),
    "stability.crossings.Crossings.between": ((r"^moved in z - moved", "then no two crossings are separated"),),
    "stability.variation._Relative.__init__": (
        (r"^1 in size", "n ||G||/lambda_min is at least 1, and doubled"),
        (r"^self.solve_error in 1", SECOND),
        (
            r"^UNIT_ROUNDOFF \* euclidean_norm\(kernel\)",
            "what is rounded up has 8 u, more than this for fewer than 64 rows",
        ),
    ),
    "stability.variation._Relative.norm": (
        (
            r"^rounding in (most|least)|^all of 2 \* gamma|^2 \* gamma",
            "the solve's error of the same Frobenius norm is more",
        ),
    ),
    "stability.variation._FlippedProducts.shares": ((r"^gamma\(len\(moved\) \+ 4\)", "the solve's error is more"),),
    "stability.variation._smooth_variation": ((r"^euclidean_norm\((start|end)\) in", ENDS),),
    "rigour.input_bounds.orthonormality_defect": (
        (r"^np.eye\(r\) in", LARGER),
        (r"^float\(np.sum\(columns|^r in ", "||Q||_F^2 is about r, and the sum of both is doubled"),
    ),
    "rigour.input_bounds.decomposition_error": (
        (r"^defect_(left|right) in 1 \+", SECOND),
        (r"^left \* values @ right in", LARGER),
        (r"^all of rest \+=", "the defects' 4 r gamma_{n+2}, times the largest singular value, is more"),
    ),
    "rigour.input_bounds.error_of_projection": (
        (r"^defect in error|^gamma\(rank \+ 4\)", "the error over the smallest singular value holds the defects"),
        (r"^defect in 1 \+", SECOND),
    ),
    "rigour.input_bounds.error_of_dual": (
        (r"^turned / smallest|^gamma\(rank \+ 6\)", "twice the error, over the square of it, holds twice the defects"),
    ),
    "network.gram._smooth_pattern_gram": ((r"^lower(\.T)? in", "one input has nothing off the diagonal"),),
    "maps.affine.PerturbedAffine.deviation": (
        (r"^2 in FUNCTION_ROUNDINGS", "gamma_8 of the whole has room for two roundings"),
    ),
    "maps.affine.PerturbedAffine._spread": (
        (r"^np.diag\(np.diag\(products\)\)", LARGER),
        (
            r"coupling \+=|^gamma\(p \+ 4\)",
            "the general bound is the smaller one at a coarse roundoff, where its root is large",
        ),
    ),
    "maps.affine._operator_norm_bound": (
        (r"^gamma\(p \+ 2\)", "its own gamma_{n+p+8} is more for n p < 2 (n + p + 8), and no case is larger"),
    ),
    "rigour.one_step.map_steps": (
        (r"^u \* (before|after)_norm", NORM),
        (r"^(n|p|n \* p) in n \* p", COUNT),
    ),
    "maps.affine.SpikeMap.rounding": (
        (
            r"^np.abs\(positions\)|^sizes.farthest|^gamma\(self|^sizes.steepest|^all of outputs",
            "terms are counted four times",
        ),
    ),
    "maps.affine.SpikeMap._changes": ((r"^piecewise_slopes", LARGER),),
    "rigour.feature_step.feature_step": (
        (r"^u \* before", NORM),
        (r"^u in u \+ gamma", NORM),
        (r"^features_error in size", "the error of H, 2 ||S|| times it, is more"),
        (
            r"^euclidean_norm\((moved|Z)\) in euclidean_norm\(moved\) \+ euclidean_norm\(Z\)$",
            "one is enough for a short step, the product's gamma for a long one",
        ),
        (r"^(n|geometry|model.width)\b.* in n \+ geometry", COUNT),
        (r"^gamma\(4\) \* length", "the form's gamma over the root is more"),
    ),
    "descent.coefficients.CoefficientOptimiser.rounding": ((r"^(n|2 \* dim|16|dim|state.width) in n \+", COUNT),),
    "descent.gd.GradientDescent.displacement": ((r"^solved.coefficients in solved.gradient", LARGER),),
    "descent.kfac.KroneckerFactored.rounding": (
        (r"^state.output_gradient in", LARGER),
        (r"^(n|n \* .*|geometry.inputs.shape\[1\]|state.width) in n", COUNT),
    ),
}
"""By function below theory/: patterns of what is left out, with the reason."""


def reason(term: Term) -> str | None:
    """Why no case needs a term; None where one must."""
    own = BY_FUNCTION.get(f"{term.module.removeprefix('theory.')}.{term.function}", ())
    return next((why for pattern, why in (*EVERYWHERE, *own) if re.search(pattern, term.text)), None)
