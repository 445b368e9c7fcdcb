"""The confirmed cases that a model found most alike, side by side."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QPixmap, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from medtransfer.gui import pages, parts, theme
from medtransfer.result.model import Finding, SimilarCase
from medtransfer.work.report import numbers

_LARGEST = 1.6
"""Pictures are made larger than they are by this factor at most: further they show pixels."""
_WITHOUT = "Their pictures were not kept with the model."


class Comparing(QWidget):
    """Shows one finding's similar cases; nothing where it has none."""

    def __init__(self) -> None:
        super().__init__()
        self.note = parts.label("", "muted", theme.SMALL_SIZE)
        self._cases = QGridLayout()
        self._cases.setHorizontalSpacing(theme.spacing())
        self._cases.setVerticalSpacing(theme.spacing(0.5))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing(0.5))
        column.addLayout(self._cases)
        column.addWidget(self.note)

    def show_for(self, finding: Finding | None, pictures: Mapping[str, NDArray[np.uint8]]) -> None:
        """Show what is known about one finding."""
        pages.clear(self._cases)
        similar = finding.similar if finding else ()
        for column, case in enumerate(similar):
            self._cases.setColumnStretch(column, 1)
            if case.case in pictures:
                self._cases.addWidget(Thumbnail(case, pictures[case.case]), 0, column)
            self._cases.addWidget(_caption(case), 1, column)
        name = finding.name if finding else ""
        without = "" if any(case.case in pictures for case in similar) else f" {_WITHOUT}"
        self.note.setText(
            f"Cases with {_within_sentence(name)} that the model learnt from. The smaller the distance (0 to 2), the "
            f"more alike.{without}"
        )
        self.note.setVisible(bool(similar))


class Thumbnail(QLabel):
    """A small picture as wide as its column, square."""

    def __init__(self, case: SimilarCase, pixels: NDArray[np.uint8]) -> None:
        super().__init__()
        rows, columns = pixels.shape[:2]
        image = QImage(np.ascontiguousarray(pixels).data, columns, rows, 3 * columns, QImage.Format.Format_RGB888)
        self._whole = QPixmap.fromImage(image)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setAccessibleName(f"Confirmed case {_short(case)}, distance {numbers.figure(case.distance)}")
        self.setToolTip(f"Case {case.case}: the key of its file. Nothing else of it is kept.")
        self._fit(self._whole.width())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Be as large as the column allows."""
        super().resizeEvent(event)
        self._fit(min(event.size().width(), round(_LARGEST * self._whole.width())))

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size as it is."""
        return self._whole.size()

    def _fit(self, side: int) -> None:
        ratio = self.devicePixelRatioF()
        mode = Qt.TransformationMode.SmoothTransformation
        pixels = round(max(side, 1) * ratio)
        scaled = self._whole.scaled(pixels, pixels, Qt.AspectRatioMode.KeepAspectRatio, mode)
        scaled.setDevicePixelRatio(ratio)
        self.setPixmap(scaled)
        self.setFixedHeight(round(scaled.height() / ratio))


def _caption(case: SimilarCase) -> QLabel:
    made = parts.label(f"distance {numbers.figure(case.distance)}", "muted", theme.SMALL_SIZE)
    made.setAlignment(Qt.AlignmentFlag.AlignHCenter)
    made.setToolTip(f"Distance of case {case.case}")
    made.setAccessibleName(f"Case {_short(case)}, distance {numbers.figure(case.distance)}")
    return made


def _short(case: SimilarCase) -> str:
    return case.case[:6]


def _within_sentence(name: str) -> str:
    """Return a finding's name as it stands within a sentence: abbreviations keep their capitals."""
    return name if name[1:2].isupper() else f"{name[:1].lower()}{name[1:]}"
