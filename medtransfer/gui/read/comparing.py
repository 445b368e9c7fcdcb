"""What the parts of a model said about a finding, and the confirmed cases that it found most alike."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from medtransfer.gui import parts, theme
from medtransfer.result.model import Contribution, Finding, SimilarCase
from medtransfer.work.report import numbers

_SIDE = 88


class Comparing(QWidget):
    """Shows one finding's contributions and similar cases; nothing of what it does not have."""

    def __init__(self) -> None:
        super().__init__()
        self.said = parts.label("", "muted", theme.SMALL_SIZE)
        self.note = parts.label("", "muted", theme.SMALL_SIZE)
        self._cases = QGridLayout()
        self._cases.setSpacing(theme.spacing())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing())
        column.addLayout(self._cases)
        column.addWidget(self.note)
        column.addWidget(self.said)

    def show_for(self, finding: Finding | None, pictures: Mapping[str, NDArray[np.uint8]]) -> None:
        """Show what is known about one finding."""
        while (item := self._cases.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        similar = finding.similar if finding else ()
        for column, case in enumerate(similar):
            if case.case in pictures:
                self._cases.addWidget(_thumbnail(case, pictures[case.case]), 0, column)
            self._cases.addWidget(parts.label(_caption(case), "muted", theme.SMALL_SIZE), 1, column)
        name = finding.name if finding else ""
        self.note.setText(f"Confirmed cases of {name} that the model learnt from; a smaller distance is more alike.")
        self.said.setText("\n".join(_line(part) for part in finding.contributions) if finding else "")
        self.note.setVisible(bool(similar))
        self.said.setVisible(bool(finding and finding.contributions))


def _thumbnail(case: SimilarCase, pixels: NDArray[np.uint8]) -> QLabel:
    made = QLabel()
    rows, columns = pixels.shape[:2]
    image = QImage(np.ascontiguousarray(pixels).data, columns, rows, 3 * columns, QImage.Format.Format_RGB888)
    picture = QPixmap.fromImage(image)
    mode = Qt.TransformationMode.SmoothTransformation
    made.setPixmap(picture.scaled(_SIDE, _SIDE, Qt.AspectRatioMode.KeepAspectRatio, mode))
    made.setAccessibleName(_caption(case))
    return made


def _caption(case: SimilarCase) -> str:
    return f"Case {case.case[:6]}\ndistance {numbers.figure(case.distance)}"


def _line(part: Contribution) -> str:
    """Return what a component adds to the probability, or a learner's own probability."""
    if part.contribution is not None:
        return f"{part.name}: adds {numbers.signed(part.contribution)}"
    return f"{part.name}: says {numbers.figure(part.probability or 0.0)}"
