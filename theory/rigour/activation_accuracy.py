"""What is assumed of the accuracy of the activations, and of the math functions beneath them: the one such assumption.

Assumption. At every float64 z, as evaluated by theory.network.two_layer, and with the unit roundoff u,

    ``|fl(phi(z)) - phi(z)| <= 8 u |phi(z)|``   and   ``|fl(phi'(z)) - phi'(z)| <= 8 u sup|phi'|``,

which is 4 units in the last place; likewise sin, cos, tanh and atan2 by themselves. Underflow excepted: an error below 2^-1000 counts
nowhere. Nothing is assumed for ReLU, whose values and slopes are exact.

Math libraries promise no such bound. tests/theory/rigour/test_activation_accuracy.py compares a large grid with ball arithmetic and asks for half
of it, on the machine that runs the test. Certificates, and error bounds of float64 steps, of smooth networks and of maps with a sine hold
given the assumption; so do the float64 limiting kernels (atan2). What is computed in balls does not rest on it.
"""

from theory.rigour.rounding import UNIT_ROUNDOFF

FUNCTION_ROUNDINGS = 8
"""Roundings granted to one evaluation: relative to the value for phi, to ``STEEPEST_SLOPE`` for phi'."""

STEEPEST_SLOPE = 1.2
"""An upper bound of |phi'| over every activation of theory.network.two_layer (erf has the largest, 2/sqrt(pi) < 1.13)."""

DERIVATIVE_ERROR = FUNCTION_ROUNDINGS * STEEPEST_SLOPE * UNIT_ROUNDOFF
"""Bound of the absolute error of one evaluation of phi'."""

FEATURE_ERROR = (FUNCTION_ROUNDINGS + 4) * STEEPEST_SLOPE * UNIT_ROUNDOFF
"""The same for ``m^{1/2} S_ir``: phi' with the sign and ``m^{-1/2}`` besides."""
