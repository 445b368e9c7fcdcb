"""From what is shown to a file that the person named: a segmentation, or the report."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices

from medtransfer.errors import MedTransferError, UserError
from medtransfer.gui.background import Job
from medtransfer.gui.context import Context
from medtransfer.gui.read import report, words
from medtransfer.gui.read.reading import Reading
from medtransfer.gui.read.report import Kind, Report
from medtransfer.gui.read.save_panel import FILES, SavePanel
from medtransfer.gui.read.viewer import Viewer
from medtransfer.gui.saving import ask_where
from medtransfer.work import saving
from medtransfer.work.saving import SUFFIXES, SavedAs, Segmented

_STOPPED = "job.cancelled"


class Delivering(QObject):
    """Asks where to, writes in the background, and says beside the buttons how it went."""

    def __init__(self, context: Context, reading: Reading, viewer: Viewer, panel: SavePanel) -> None:
        super().__init__(panel)
        self._context = context
        self._reading = reading
        self._viewer = viewer
        self._panel = panel
        panel.segmentation.connect(self.save_segmentation)
        panel.report.connect(self.save_report)

    def offer(self) -> None:
        """Offer what can be saved of what is shown."""
        self._panel.show_for(segmentation=self.can_save("nifti"), dicom=self.can_save("seg"))

    def can_save(self, saved_as: SavedAs) -> bool:
        """Whether there is a segmentation that can be saved so: a DICOM file needs the headers of DICOM images."""
        shown, entry = self._reading.shown, self._reading.entry
        segmented = shown is not None and shown.result.segmentation is not None
        return segmented and (saved_as != "seg" or (entry is not None and bool(entry.series.files)))

    def save_segmentation(self, saved_as: SavedAs) -> None:
        """Ask where to, and write the segmentation there."""
        shown, image, entry = self._reading.shown, self._reading.image, self._reading.entry
        if shown is None or image is None or entry is None or shown.result.segmentation is None:
            return
        name = "structures.csv" if saved_as == "csv" else f"segmentation{SUFFIXES[saved_as][0]}"
        path = ask_where(self._viewer, "Save the segmentation", name, FILES[saved_as][0], SUFFIXES[saved_as])
        if path is not None:
            found = Segmented(shown.folder, shown.result.segmentation, shown.result.passport, image, entry.series.files)
            self._begin(
                f"Writing the segmentation as {FILES[saved_as][0]}",
                lambda job: saving.save(found, path, saved_as, _checking(job)),
                self._saved,
            )

    def save_report(self, kind: Kind) -> None:
        """Ask where to, write the report there, and open it."""
        shown, image, entry = self._reading.shown, self._reading.image, self._reading.entry
        if shown is None or image is None or entry is None:
            return
        path = ask_where(self._viewer, "Save the report", f"report.{kind}", kind.upper(), [f".{kind}"])
        if path is not None:
            content = Report(
                folder=shown.folder,
                result=shown.result,
                image=image,
                index=self._viewer.axial_index,
                window=self._viewer.display_window,
                bundle=shown.bundle,
                caption=words.series_title(entry.series),
                verdicts=dict(shown.verdicts),
            )
            self._begin("Writing the report", lambda _job: report.write(content, path, kind), self._report_written)

    def _begin(self, title: str, work: Callable[[Job], Path], done: Callable[[Path], None]) -> None:
        self._panel.trouble.clear()
        self._panel.waiting.follow(self._context.background.run(title, work, done, self._failed))

    def _saved(self, path: Path) -> None:
        self._context.events.message.emit(f"{path.name} was saved.")

    def _report_written(self, path: Path) -> None:
        self._context.events.message.emit("The report was saved.")
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))

    def _failed(self, error: MedTransferError) -> None:
        if error.code == _STOPPED:
            self._context.events.message.emit("Nothing was saved.")
            return
        self._panel.trouble.show_error("Not saved", error)


def _checking(job: Job) -> Callable[[], None]:
    return partial(_check, job)


def _check(job: Job) -> None:
    if job.cancelled.is_set():
        raise UserError("saving was stopped", code=_STOPPED, hint="Nothing was written.")
