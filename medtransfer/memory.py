"""Telling that memory ran out, whichever library says so and in whatever words."""

from __future__ import annotations

import errno

from medtransfer.errors import MedTransferError

_WORDS = (
    "can't allocate memory",  # torch on the processor
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
