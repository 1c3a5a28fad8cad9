"""Under which names counterexample files hold instances of the classes of theory/, and what all names were once."""

from properties.descent.former_paths import FORMER_PATHS
from properties.engine.stable_names import stored_as, stored_formerly
from theory.maps.affine import PerturbedAffine, SpikeMap
from theory.maps.feature_maps import FeatureMap
from theory.maps.ridge import RidgeMap
from theory.network.two_layer import TwoLayerNetwork
from theory.stability.path import PathCertificate


def name_theory() -> None:
    """Give them their names; more than once does no harm."""
    stored_as("feature-map")(FeatureMap)
    stored_as("perturbed-affine-map")(PerturbedAffine)
    stored_as("spike-map")(SpikeMap)
    stored_as("two-layer-network")(TwoLayerNetwork)
    stored_as("ridge-map")(RidgeMap)
    stored_as("path-certificate")(PathCertificate)
    stored_formerly(FORMER_PATHS)
