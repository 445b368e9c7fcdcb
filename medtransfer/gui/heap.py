"""One heap for all threads of the window, so that memory given back by one job serves the next."""

from __future__ import annotations

import sys

_M_ARENA_MAX = -8
"""The parameter's number in glibc's ``malloc.h``."""


def share() -> bool:
    """Have glibc keep one heap instead of one for each thread; return whether it does.

    Jobs run in threads of their own and hold whole images. With a heap for each thread, pieces of these stay behind in
    all of them: after a hundred rounds of opening, analysing and closing the process is half as large again. Call it
    before the first job is started. Other systems and other C libraries do as they did.
    """
    if sys.platform != "linux":
        return False
    import ctypes

    library = ctypes.CDLL(None)
    return hasattr(library, "mallopt") and library.mallopt(_M_ARENA_MAX, 1) == 1
