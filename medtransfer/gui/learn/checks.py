"""What is wrong with the cases, each thing with its rows and small pictures of the images concerned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from medtransfer.cohort.model import Cohort, Problem
from medtransfer.errors import MedTransferError
from medtransfer.gui import icons, pages, parts, theme
from medtransfer.gui.background import Background, Job

SIDE = 72
PICTURES = 6
"""Pictures of one problem: enough to see what kind of image it is about."""
ROWS_NAMED = 12
_KINDS: Mapping[str, tuple[parts.LabelKind, str, str, str]] = {
    "error": ("danger", "warning", "danger", "Must be mended"),
    "warning": ("warning", "warning", "positive", "For you to judge"),
    "info": ("muted", "information", "muted", "Good to know"),
}


class ChecksView(QWidget):
    """The list of problems; pictures arrive when they have been read."""

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.spacing(1))
        self._job: Job | None = None
        self.pictures: dict[Path, list[QLabel]] = {}

    def show_problems(self, cohort: Cohort, problems: Sequence[Problem]) -> None:
        """Show what was found, and read the pictures of the cases concerned."""
        if self._job is not None:
            self._job.cancel()
        pages.clear(self._column)
        self.pictures = {}
        if not problems:
            self._column.addWidget(parts.label("Every image could be opened, and nothing else stands out.", "muted"))
        images = {case.row: case.image for case in cohort.cases}
        for problem in problems:
            self._column.addWidget(self._problem(problem, images))
        if self.pictures:
            wanted = list(self.pictures)
            self._job = self._background.run(
                "Reading pictures of problem cases", lambda job: _read(job, wanted), self._show_pictures
            )

    def _problem(self, problem: Problem, images: Mapping[int, Path]) -> QFrame:
        kind, icon, role, word = _KINDS[problem.level]
        frame, column = parts.card("failure" if problem.level == "error" else "card")
        head = QHBoxLayout()
        head.setSpacing(theme.spacing(1))
        picture = QLabel()
        icons.put(picture, icon, role)
        head.addWidget(picture)
        level = parts.label(word, kind, theme.SMALL_SIZE, theme.SEMIBOLD)
        level.setWordWrap(False)
        head.addWidget(level)
        head.addStretch(1)
        column.addLayout(head)
        column.addWidget(parts.label(_sentence(problem.message), weight=theme.MEDIUM))
        more = " ".join(part for part in (problem.hint, _rows(problem)) if part)
        if more:
            column.addWidget(parts.label(more, "muted"))
        shown = [images[row] for row in problem.rows if row in images][:PICTURES]
        if shown and problem.code != "cohort.synthetic":
            column.addLayout(self._strip(shown))
        return frame

    def _strip(self, paths: Sequence[Path]) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(theme.spacing(1))
        for path in paths:
            box = QLabel("\u2026")
            box.setFixedSize(SIDE, SIDE)
            box.setAlignment(Qt.AlignmentFlag.AlignCenter)
            box.setFrameShape(QFrame.Shape.StyledPanel)
            box.setProperty("kind", "muted")
            box.setToolTip(path.name)
            box.setAccessibleName(f"Picture of {path.name}")
            self.pictures.setdefault(path, []).append(box)
            row.addWidget(box)
        row.addStretch(1)
        return row

    def _show_pictures(self, read: Mapping[Path, QImage]) -> None:
        for path, boxes in self.pictures.items():
            for box in boxes:
                if path in read:
                    box.setPixmap(QPixmap.fromImage(read[path]))
                else:
                    box.setText("cannot\nbe read")
                    parts.restyle(box, "kind", "key")


def _read(job: Job, paths: Sequence[Path]) -> dict[Path, QImage]:
    """Return the pictures that can be read, reduced."""
    found: dict[Path, QImage] = {}
    for number, path in enumerate(paths):
        if job.cancelled.is_set():
            break
        job.on_progress("reading pictures", number / len(paths), {})
        picture = _picture(path)
        if picture is not None:
            found[path] = picture
    return found


def _picture(path: Path) -> QImage | None:
    from medtransfer import study
    from medtransfer.study.display import rgb8

    try:
        image = study.open(path)[0].series[0].image()
    except (MedTransferError, IndexError):
        return None
    if image.is_volume:
        return None
    return _reduced(rgb8(image))


def _reduced(picture: NDArray[np.uint8]) -> QImage:
    whole = np.ascontiguousarray(picture)
    rows, columns = whole.shape[:2]
    image = QImage(whole.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888)
    return image.scaled(
        SIDE, SIDE, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    ).copy()


def _rows(problem: Problem) -> str:
    if not problem.rows:
        return ""
    named = ", ".join(map(str, problem.rows[:ROWS_NAMED]))
    more = f" and {len(problem.rows) - ROWS_NAMED} more" if len(problem.rows) > ROWS_NAMED else ""
    return f"Row{'' if len(problem.rows) == 1 else 's'} {named}{more}."


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."
