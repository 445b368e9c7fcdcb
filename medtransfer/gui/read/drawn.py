"""Segmentations and structure sets that lie beside the images: choose one to see it over the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from medtransfer.gui import parts, theme
from medtransfer.gui.read import words
from medtransfer.gui.read.structures import Structures
from medtransfer.result.model import Segmentation

if TYPE_CHECKING:  # pydicom: the window starts without it
    from medtransfer.result.importing import Imported
    from medtransfer.study.annotation import Annotation

_NONE = "None shown"


class Drawn(QWidget):
    """Offers what fits the picture.

    Signals: ``wanted`` carries the Annotation to read, ``overlay_changed`` asks to draw anew, ``jump`` goes to a
    structure by its number.
    """

    wanted = Signal(object)
    overlay_changed = Signal()
    jump = Signal(int)

    def __init__(self, undo: QUndoStack) -> None:
        super().__init__()
        self.shown: Imported | None = None
        self._offered: list[Annotation] = []
        self.choice = QComboBox()
        self.choice.setAccessibleName("Segmentation from the files")
        self.choice.activated.connect(self._choose)
        self.structures = Structures(undo)
        self.structures.visible_changed.connect(self.overlay_changed)
        self.structures.jump.connect(self.jump)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing())
        column.addWidget(parts.heading("From the files"))
        column.addWidget(self.choice)
        column.addWidget(self.structures)
        self.offer([])

    @property
    def segmentation(self) -> Segmentation | None:
        """What is shown."""
        return self.shown.segmentation if self.shown else None

    def offer(self, annotations: Sequence[Annotation]) -> None:
        """Offer what fits the picture; what is shown stays while it is among it."""
        chosen = self._offered[self.choice.currentIndex() - 1] if self.choice.currentIndex() > 0 else None
        self._offered = list(annotations)
        self.choice.clear()
        self.choice.addItem(_NONE)
        self.choice.addItems([_title(annotation) for annotation in annotations])
        self.setVisible(bool(annotations))
        if chosen in self._offered:
            self.choice.setCurrentIndex(self._offered.index(chosen) + 1)
        else:
            self._show(None)

    def show_read(self, annotation: Annotation, imported: Imported) -> None:
        """Show what was read, if it is still what is chosen."""
        index = self.choice.currentIndex() - 1
        if index >= 0 and self._offered[index] == annotation:
            self._show(imported)

    def put_away(self) -> None:
        """Show none."""
        self.choice.setCurrentIndex(0)
        self._show(None)

    def _choose(self, index: int) -> None:
        self._show(None)
        if index > 0:
            self.wanted.emit(self._offered[index - 1])

    def _show(self, imported: Imported | None) -> None:
        self.shown = imported
        self.structures.model.forget()
        self.structures.setVisible(imported is not None)
        if imported is not None:
            self.structures.show_structures(imported.segmentation.structures)
        self.overlay_changed.emit()


def _title(annotation: Annotation) -> str:
    name = annotation.description or annotation.name
    return words.DOT.join((name, annotation.kind))
