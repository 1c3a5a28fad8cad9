"""The limiting kernels and their degeneracy, under the names that others rely on."""

from theory.kernels.degeneracy import degeneracy
from theory.kernels.limiting import limiting_gram, limiting_pattern_gram

__all__ = ["degeneracy", "limiting_gram", "limiting_pattern_gram"]
