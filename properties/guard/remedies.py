"""What to change, in the step or in the options, where the cause of a refutation is known: a sentence for each cause.

Symbols are those of docs/guard.md; what is to be typed is Python, with the names of the step's arguments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from properties.engine.report.causes import UNKNOWN_CAUSES
from properties.guard.damping import LEAST, MOST
from properties.guard.implementation import Implementation

FORMULAS: Mapping[str, str] = {
    "ngd": "V = J^T (J J^T)^-1 r",
    "kfac": "V = (S^T S)^+ (S^T diag(r) X) (X^T X)^+",
}
"""The direction V of ``W' = W - eta V``, by the optimiser."""

SUMMED = "take sums over the inputs, not means (no 1/n, reduction='sum')"

WAYS: Mapping[str, str] = {
    "the opposite sign": "subtract: W' = W - eta V, with r = u - y",
    "the loss without its 1/2 in the gradient alone": "the gradient is J^T r, that of ||u - y||^2 / 2",
    "a Fisher matrix of half its size": "the Fisher matrix is J^T J, without 1/2",
    "a curvature of twice the Fisher matrix, that of the loss without its 1/2": "the curvature is J^T J, that of ||u - y||^2 / 2",
    "half the step size": "pass step_size on as it is given",
    "the gradient of the mean loss with the Fisher matrix of the sum": f"in the gradient {SUMMED}: J^T r",
    "the step size divided by n": "pass step_size on as it is given, not step_size / n",
    "the gradient of the mean squared error with the Fisher matrix of the sum": f"in the gradient {SUMMED}: J^T r, that of ||u - y||^2 / 2",
    "the curvature of the mean squared error with the gradient of half the sum": f"in the curvature {SUMMED}: J^T J",
    "1/n in J J^T alone, as n^(-1/2) in J, with the gradient of the mean loss": f"in the gradient and in J {SUMMED}",
    "n^(-1/2) in J, with the gradient of the sum": "leave n^(-1/2) out of J",
    "m^(-1/2) missing in J, not in the outputs": "put m^(-1/2) into J too",
    "m^(-1/2) twice in J": "put m^(-1/2) into J once",
    "m^(-1/2) missing in the gradient alone": "put m^(-1/2) into the gradient too",
    "m^(-1/2) missing in the Fisher matrix alone": "put m^(-1/2) into the Fisher matrix's J too",
    "the mean over the neurons in the gradient": "in the gradient take the sum over the neurons, with m^(-1/2) in J",
    "1/m once more in the Fisher matrix": "J^T J has the factor 1/m once",
    "the mean over the neurons in the Fisher matrix": "in the Fisher matrix take the sum over the neurons, with m^(-1/2) in J",
    "the mean over the dimensions in the gradient": "in the gradient take the sum over the dimensions, no 1/d",
    "the mean over the dimensions in the Fisher matrix or in one factor": "in the curvature take the sum over the dimensions, no 1/d",
    "the mean over the entries of X in the gradient": "in the gradient take the sum over the entries of X, no 1/(n d)",
    "the mean over the entries of X in the Fisher matrix or in one factor": "in the curvature take the sum over the entries of X, no 1/(n d)",
    "the mean over the parameters in the gradient": "in the gradient take the sum over the parameters, no 1/(m d)",
    "the mean over the parameters in the Fisher matrix": "in the Fisher matrix take the sum over the parameters, no 1/(m d)",
    "the step size applied twice": "multiply the direction by step_size once",
    "the step size ignored": "multiply the direction by step_size",
    "the mean in the Fisher matrix with the gradient of the sum": f"in the Fisher matrix {SUMMED}: J^T J",
    "1/n twice in the Fisher matrix": f"in the Fisher matrix {SUMMED}, neither in J nor in J^T J",
    "a curvature of four times the Fisher matrix": "the Fisher matrix is J^T J, without 4",
    "a quarter of the step size": "pass step_size on as it is given",
    "a curvature of a quarter of the Fisher matrix": "the Fisher matrix is J^T J, without 1/4",
    "the mean in one factor with the gradient of the sum": f"in both factors {SUMMED}: S^T S and X^T X",
    "the mean in both factors and the gradient": f"in the factors and the gradient {SUMMED}",
    "the mean in both factors with the gradient of the sum": f"in both factors {SUMMED}: S^T S and X^T X",
    "twice the curvature in both factors": "the factors are S^T S and X^T X, without 2",
    "half of the curvature in both factors": "the factors are S^T S and X^T X, without 1/2",
}
"""By the cause of a factor (multiples.py)."""

PSEUDO_INVERSE = "take the pseudo-inverse (numpy.linalg.pinv, lstsq) in place of an inverse or a solve"
UNJUDGED = "a step that is documented to raise there is declared by --singular raises, one that promises nothing there by --singular unjudged"
RULES: tuple[tuple[str, str], ...] = (
    (
        r"state is kept",
        "keep nothing from one call to the next: make matrices, buffers and optimisers anew in every call",
    ),
    (r"raised .*(?i:singular|positive definite) .*has the rank", f"{PSEUDO_INVERSE}; {UNJUDGED}"),
    (
        r"raised .*(?i:singular|positive definite)",
        f"{PSEUDO_INVERSE}: J^T J, S^T S and X^T X are singular where rows are fewer than columns",
    ),
    (r"^the step raised", "mend {place}; the step is called with any n, d and m from 1 on"),
    (r"returned None", "return the new weights (m, d), where they were changed in place too"),
    (r"returned shape", "return an array of the shape of weights, (m, d)"),
    (r"returned the type", "return real floating-point numbers"),
    (
        r"returned a(n asynchronous)? (coroutine|generator)",
        "make the step a plain function that returns the new weights",
    ),
    (
        r"returned entries that are not finite",
        "no entry may be NaN or infinite: look where the step divides, or overflows",
    ),
    (r"changes its argument", "work on copies: weights = weights.copy(), and so for whatever else is changed"),
    (r"its contract is what is broken", "return an array of its own from every call, and 0 where nothing is to move"),
    (r"has the rank \d+$", f"{PSEUDO_INVERSE}; {UNJUDGED}"),
    (
        r"^the step is exact on all",
        "look for what sets in with the size or the condition: a limit of iterations, a batch or block size, a cut-off, float32",
    ),
    (r"no step at all", "return weights - step_size * V, not weights as they were given"),
    (
        r"float32 and returned in float64|to single precision",
        "keep float64 throughout, or return float32, which is judged by what float32 may do",
    ),
    (r"(scaled|clipped) to the length", "leave the length of the step as it is: no normalisation, no clipping"),
    (
        r"a pseudo-inverse of . with",
        "cut off eigenvalues at the size of their rounding alone, some n 2^-52 of the largest (rcond)",
    ),
    (r"the opposite sign", WAYS["the opposite sign"]),
    (r"weight decay", "leave weight decay out (0)"),
    (
        r"the step of K-FAC, which --optimiser kfac is for",
        "give --optimiser kfac where K-FAC is meant, else take {formula}",
    ),
    (r"^the step of NGD$", "give --optimiser ngd where NGD is meant, else take {formula}"),
    (r"gradient step|signs of the gradient", "multiply the gradient by the inverse of the curvature: {formula}"),
    (r"without its factor m\^", "divide the outputs, and so J, by m^(1/2)"),
    (r"outputs, not the Jacobian", "divide the outputs by m^(1/2), as J is"),
    (r"the targets left out", "the residual is r = u - y"),
    (r"signs of the residual|residual less its mean", "take r = u - y itself"),
    (r"without the signs a", "row i of J holds m^(-1/2) a_r x_i where neuron r is active: multiply by signs"),
    (r"activation pattern", "the slope of neuron r is 1 where w_r . x >= 0, else 0"),
    (r"factor left out", "take both factors: {formula}"),
    (
        r"rows? only|\(its |not moved|without the (first|last) parameter",
        "take every row, neuron, column and parameter, in J and in what is moved",
    ),
    (r"the update flattened column", "transpose the update (d, m), V.T, in place of reshaping it"),
    (r"the update unflattened column", "reshape as numpy does, (m, d) row by row: V.reshape(weights.shape)"),
    (r"not the new weights", "return weights - step_size * V"),
    (r"other order|other side", "the order is {formula}"),
    (
        r"empirical|covariance|mean gradient",
        "the curvature is made of the outputs' gradients, J, not of the loss's: {formula}",
    ),
    (r"outer product of the", "a factor is the sum of the inputs' own outer products: {formula}"),
    (r"EKFAC", "EKFAC is another optimiser, which is not judged; K-FAC's step is {formula}"),
    (r"diagonal|in place of G", "take all of the curvature, nothing of it alone: {formula}"),
    (r"centred", "subtract no mean: {formula}"),
    (r"root|applied twice|in place of (its|their) inverse", "the curvature's power is -1: {formula}"),
    (r"bias|output layer", "of the parameters, W alone is trained: {formula}"),
)
"""What to change, by a regular expression for the cause; the first that fits counts. What fits none is told the formula."""

DECLARED: Mapping[str, str] = {
    "damping on G (or on the Fisher matrix) with": "gram",
    "damping in both factors (S^T S + eps I and X^T X + eps I) with": "factors",
    "damping on the product of the factors (S^T S (x) X^T X + eps I) with": "product",
    "damping by factors (sqrt(eps) pi on X^T X, sqrt(eps)/pi on S^T S, pi^2 = (tr A / dim A) / (tr G / dim G)) with": "pi",
}
"""The kinds of damping that may be declared, with an eps from ``LEAST`` to ``MOST``, by how their names begin (dampings.py)."""

OTHERS = "NGD, "
"""How the names of NGD's dampings begin where K-FAC is meant."""

_MATCHES = re.compile(
    r"^(?:the first call in a fresh process )?matches (.*?)(?: on all \d+ instances tried)?$", re.DOTALL
)
_FACTOR = r"^(-?[\w.^()/ +-]*?) times "
_OF_THE_STEP = re.compile(rf"{_FACTOR}the step(?: \((.*)\))?$", re.DOTALL)
_OF_ANOTHER = re.compile(rf"{_FACTOR}(.*)$", re.DOTALL)
_DAMPED = re.compile(r"^(.*)eps = ([-+.\w]+)(?:; (.*))?$", re.DOTALL)


def remedy(cause: str, implementation: Implementation, place: str = "") -> str:
    """What to change; empty where the cause is not known.

    ``cause``: a sentence of diagnosis.py or state_causes.py; ``place``: the line of the step that an exception came through.
    """
    if cause.startswith(UNKNOWN_CAUSES):
        return ""
    matched = _MATCHES.match(cause)
    name = matched[1] if matched else cause
    if matched and "state is kept" not in cause:
        if multiple := _OF_THE_STEP.match(name):
            return _of_a_multiple(multiple[1], multiple[2] or "")
        if damped := _DAMPED.match(name):
            return _of_damping(damped[1], damped[2], damped[3] or "", implementation)
        if multiple := _OF_ANOTHER.match(name):
            return f"{_ruled(multiple[2], implementation, place)}; and {_scaled(multiple[1])}"
    return _ruled(name, implementation, place)


def _ruled(cause: str, implementation: Implementation, place: str) -> str:
    damping = implementation.damping
    formula = FORMULAS[implementation.optimiser] if damping is None else f"V = {damping.formula}"
    if cause == "the step without damping" and damping is not None:
        return f"add the damping that is declared, {damping.text}: {formula}; or leave --damping out"
    told = next((said for pattern, said in RULES if re.search(pattern, cause)), "take {formula}")
    return told.format(formula=formula, place=place or "what raises there")


# --- multiples -------------------------------------------------------------------------------------------------------

_PYTHON = {"n": "len(X)", "m": "len(signs)", "d": "X.shape[1]", "eta": "step_size"}


def _scaled(factor: str) -> str:
    """How to undo a factor ``k n^a m^b d^c eta^e``, written as multiples.py does."""
    inverse = factor.removeprefix("1/")
    operation, other = ("divide", "/") if inverse == factor else ("multiply", "*")
    code = re.sub(r"[a-z]+", lambda found: _PYTHON[found[0]], inverse).replace("^", "**").replace(" ", " * ")
    code = f"({code})" if re.search(r" |/|^-", code) and not code.startswith("(") else code
    return f"{operation} the direction V that it takes by {inverse}: return weights - step_size * V {other} {code}"


def _of_a_multiple(factor: str, causes: str) -> str:
    ways = dict.fromkeys(WAYS[cause] for cause in causes.split("; or ") if cause in WAYS)
    return "; or ".join(ways if ways and "eta" in factor else [*ways, _scaled(factor)])


# --- damping ---------------------------------------------------------------------------------------------------------


def _of_damping(name: str, eps: str, changes: str, implementation: Implementation) -> str:
    """To leave it out, or to declare it, where there is an option for it; ``changes``: of eps and of the step, as damping_fit.py tells them."""
    if name.startswith("weight decay"):
        return "leave weight decay out (0)"
    meant, own = implementation.damping, name.removeprefix(OTHERS)
    kind = next(
        (kind for begin, kind in DECLARED.items() if own.startswith(begin) and LEAST[kind] <= float(eps) <= MOST), ""
    )
    left = "leave the damping out (eps = 0, with a pseudo-inverse)"
    if meant is not None:
        left = f"take the damping that is declared, {meant.text}: V = {meant.formula}"
    if not kind:
        another = next((said for pattern, said in RULES if re.search(pattern, own)), "")
        return f"{another.format(formula=FORMULAS[implementation.optimiser])}; and {left}" if another else left
    optimiser = "--optimiser ngd " if own != name else ""
    declared = f"if it is meant, give {optimiser}--damping {eps} --damping-kind {kind}"
    if changes:
        return f"{SUMMED}, in the gradient and in what eps is added to; then {left}, or, {declared}"
    return f"{left}; or, {declared}"
