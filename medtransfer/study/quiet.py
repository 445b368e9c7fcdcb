"""Silencing the readers' warnings and log records: they quote values from the file, patients' names included."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("pydicom", "PIL", "nibabel.global", "nibabel", "tifffile")


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress the readers' warnings and log records; what matters becomes a check or an error."""
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
