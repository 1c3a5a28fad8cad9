"""The mathematics: objects, kernels, conditions, optimisers and theorems. Knows nothing of how it is tested."""
