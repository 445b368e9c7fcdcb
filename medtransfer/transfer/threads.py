"""How many threads numpy and scikit-learn work with.

Their problems are small here. Several threads, which wait for each other by burning time, make them many times slower
on a busy machine, and hardly faster on a quiet one.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, cast

from threadpoolctl import threadpool_limits


def algebra_in_one_thread() -> AbstractContextManager[None]:
    """Let linear algebra work with one thread; torch keeps its own."""
    limited: AbstractContextManager[None] = cast("Any", threadpool_limits)(1, user_api="blas")  # it has no types
    return limited


def one_thread() -> AbstractContextManager[None]:
    """Let everything work with one thread, torch as well."""
    limited: AbstractContextManager[None] = cast("Any", threadpool_limits)(1)
    return limited
