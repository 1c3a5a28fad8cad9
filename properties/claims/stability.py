"""C2-fro, C2-spec, C2-smooth, C2-path: the certificates of Condition 2 against attacks and exact suprema."""

from __future__ import annotations

from typing import Any

from properties.engine.claim import Claim
from properties.chapters.stability.stability_ball import fro_claim, smooth_claim, spec_claim
from properties.chapters.stability.stability_path import path_claim

CLAIMS: tuple[Claim[Any], ...] = (fro_claim(), spec_claim(), smooth_claim(), path_claim())
