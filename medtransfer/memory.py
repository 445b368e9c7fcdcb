"""Telling that memory ran out, whichever library says so and in whatever words, and making room for another try."""

from __future__ import annotations

import ctypes
import errno
import gc
import sys

from medtransfer.errors import MedTransferError

_WORDS = (
    "can't alloc",  # torch on the processor, and OpenVINO
    "cannot allocate memory",  # the system
    "not enough memory",  # torch on Windows
    "out of memory",  # CUDA
    "failed to allocate",  # OpenVINO
    "bad_alloc",  # the C++ library
    "bad allocation",  # that of Windows
    "status_alloc_failed",  # cuBLAS and cuDNN
)


def exhausted(error: BaseException) -> bool:
    """Return whether an exception says that the memory of the machine, or of its graphics card, does not suffice.

    Native libraries have no common type for it: torch and OpenVINO raise a RuntimeError and say it in words only. What
    was raised on purpose by medtransfer is never taken for it.
    """
    if isinstance(error, MedTransferError):
        return False
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    said = str(error).casefold()
    return any(words in said for words in _WORDS)


def release() -> None:
    """Give back to the system what is no longer used, so that something smaller can be tried.

    The C library of most Linux systems keeps what was freed: without being asked to part with it, a network that was
    too large leaves hardly any room for a smaller one.
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc; other C libraries keep nothing back
        if trim is not None:
            trim(0)
