"""The mathematics: objects, kernels, conditions, optimisers and theorems. Knows nothing of how it is tested.

PYTEST_DONT_REWRITE: pytest loads the package as a plugin, perhaps after others imported it; it holds no tests.
"""
