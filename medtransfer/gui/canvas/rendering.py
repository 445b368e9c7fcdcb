"""Turning pixels into what Qt draws, kept until something changes; what is large is turned in a thread."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from PySide6.QtGui import QImage

from medtransfer.gui.canvas.later import Later

AT_ONCE = 1 << 20
"""Pixels that are turned at once, which takes about 10 ms; more would hold up the window."""


class Rendering:
    """The latest picture of one layer."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._picture: QImage | None = None
        self._wanted: Hashable = None
        self._later: Later[QImage] | None = None

    @property
    def pending(self) -> bool:
        """Whether a picture is being made in a thread."""
        return self._later is not None and self._later.pending

    def picture(self, key: Hashable, pixels: int, make: Callable[[], QImage]) -> QImage | None:
        """Return the picture that ``key`` stands for; None while it is being made in a thread.

        Parameters
        ----------
        key
            Stands for everything that ``make`` depends on.
        pixels
            How many pixels are to be turned: see :data:`AT_ONCE`.
        make
            Makes the picture. While one is being made in a thread no other is begun.
        """
        self._collect()
        if key != self._key and pixels <= AT_ONCE:
            self._key, self._picture = key, make()
        if key == self._key:
            return self._picture
        if self._later is None:
            self._wanted, self._later = key, Later(make)
        return None

    def _collect(self) -> None:
        if self._later is not None and not self._later.pending:
            self._key, self._picture = self._wanted, self._later.answer
            self._later = None
