"""The two-layer network, its Gram matrices and patterns."""

from theory.network.two_layer import TwoLayerNetwork

__all__ = ["TwoLayerNetwork"]
