"""Save what was found: the segmentation as files for other programs, and the report for people."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from medtransfer.gui import parts, theme
from medtransfer.gui.read.trouble import Trouble
from medtransfer.gui.read.waiting import Waiting
from medtransfer.work.saving import SavedAs

FILES: dict[SavedAs, tuple[str, str]] = {
    "seg": ("DICOM SEG", "For a picture archive or 3D Slicer: every structure with its name, code and colour"),
    "nifti": ("NIfTI", "The label map on the grid of the image"),
    "csv": ("CSV", "A table: volume, mean and place of every structure"),
}
"""What a segmentation is saved as: what the button says, and what it is for."""
_NO_DICOM = "DICOM SEG needs a DICOM image: patient and place come from its headers."


class SavePanel(QWidget):
    """Buttons, and below them what is being written and what went wrong.

    ``segmentation`` carries what to save the segmentation as, ``report`` is ``html`` or ``pdf``.
    """

    segmentation = Signal(str)
    report = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[SavedAs, QPushButton] = {
            name: parts.button(title, partial(self.segmentation.emit, name), tip=tip)
            for name, (title, tip) in FILES.items()
        }
        for name, button in self.files.items():
            button.setAccessibleName(f"Save the segmentation as {FILES[name][0]}")
        self.no_dicom = parts.label(_NO_DICOM, "muted", theme.SMALL_SIZE)
        self._files = _rows(*self.files.values())
        self.reports = {
            kind: parts.button(f"{kind.upper()} report", partial(self.report.emit, kind)) for kind in ("html", "pdf")
        }
        self.waiting = Waiting()
        self.trouble = Trouble()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing())
        for widget in (self._files, self.no_dicom, _rows(*self.reports.values()), self.waiting, self.trouble):
            column.addWidget(widget)

    def show_for(self, *, segmentation: bool, dicom: bool) -> None:
        """Offer what can be saved of a result; what went wrong with the last one is forgotten."""
        self.trouble.clear()
        self._files.setVisible(segmentation)
        self.files["seg"].setEnabled(dicom)
        self.no_dicom.setVisible(segmentation and not dicom)


def _rows(*buttons: QPushButton) -> QWidget:
    made = QWidget()
    row = QHBoxLayout(made)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(theme.spacing(0.5))
    for button in buttons:
        row.addWidget(button, 1)
    return made
