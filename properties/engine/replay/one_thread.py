"""Evaluations that are stored, or follow what is stored, take one thread of linear algebra, so that their bits are those of any machine."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """Libraries of linear algebra use one thread while it lasts."""
    limits: AbstractContextManager[object] = _libraries().limit(limits=1, user_api="blas")
    return limits


@cache
def _libraries() -> ThreadpoolController:
    """Those that are loaded; to look for them takes as long as a small evaluation."""
    return ThreadpoolController()
