"""Conditions 2 and K2: certificates (upper bounds), attacks (lower bounds), the exact supremum of small networks."""

from theory.stability.attack import BallAttack, attack_ball
from theory.stability.ball import BallCertificate, ChangeBounds, certify_ball, change_bounds
from theory.stability.path import PathCertificate, certify_path, certify_path_until_broken
from theory.stability.patterns import ball_changes
from theory.stability.variation import segment_variation

__all__ = [
    "BallAttack",
    "BallCertificate",
    "ChangeBounds",
    "PathCertificate",
    "attack_ball",
    "ball_changes",
    "certify_ball",
    "certify_path",
    "certify_path_until_broken",
    "change_bounds",
    "segment_variation",
]
