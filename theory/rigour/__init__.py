"""Verified numerics: rounding bounds, certified eigenvalue bounds, ball and rational arithmetic."""

from theory.rigour.definiteness import largest_eigenvalue_upper_bound, smallest_eigenvalue_lower_bound

__all__ = ["largest_eigenvalue_upper_bound", "smallest_eigenvalue_lower_bound"]
