"""Conditions 2 and K2: certificates (upper bounds), attacks (lower bounds), the exact supremum of small networks."""

from theory.stability.attack import BallAttack, attack_ball
from theory.stability.ball import BallCertificate, ChangeBounds, certify_ball, change_bounds
from theory.stability.path import PathCertificate, certify_path, certify_path_until_broken
from theory.stability.patterns import ball_changes
from theory.stability.tube.bounds import TubeBounds, bounds_at
from theory.stability.tube.certificate import TubeCertificate, certify_tube
from theory.stability.tube.start import tube_start
from theory.stability.variation import segment_variation

__all__ = [
    "BallAttack",
    "BallCertificate",
    "ChangeBounds",
    "PathCertificate",
    "TubeBounds",
    "TubeCertificate",
    "attack_ball",
    "ball_changes",
    "bounds_at",
    "certify_ball",
    "certify_path",
    "certify_path_until_broken",
    "certify_tube",
    "change_bounds",
    "segment_variation",
    "tube_start",
]
