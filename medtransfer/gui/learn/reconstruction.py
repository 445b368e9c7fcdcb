"""A pretraining at work: how well hidden patches are filled in, and pictures of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPixmap, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout

from medtransfer.gui import parts, theme
from medtransfer.gui.learn.training import State as Stage
from medtransfer.gui.learn.training import TrainingPage
from medtransfer.work.pretrain import Pretrained

LOSS, GUESS = "validation_loss", "guess_loss"
PLOT = "error in hidden patches"
OWN, MEAN = "the network", "mean of the patches it sees"
CAPTION = "From the left: the image, the part of it that the network saw, and what it made of the rest."
_HEIGHT = 72
"""Of the pictures at most, in units of the grid."""


class Sheet(QLabel):
    """A sheet of reconstructions, as large as there is room for it."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = QPixmap()
        self.file: Path | None = None
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Reconstructions")
        self.setAccessibleDescription(CAPTION)

    def show_newest(self, folder: Path | None) -> None:
        """Show the latest sheet of a folder, nothing where there is none."""
        newest = max(folder.glob("*.png"), default=None) if folder is not None else None
        if newest != self.file or newest is None:
            self.file = newest
            self._whole = QPixmap(str(newest)) if newest else QPixmap()
            self._draw()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Draw it as large as there is room now."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._draw()

    def _draw(self) -> None:
        self.setVisible(not self._whole.isNull())
        if self._whole.isNull():
            return
        room = QSize(max(self.width(), 1), theme.spacing(_HEIGHT))
        smooth = Qt.TransformationMode.SmoothTransformation
        drawn = self._whole.scaled(room, Qt.AspectRatioMode.KeepAspectRatio, smooth)
        self.setPixmap(drawn)
        self.setFixedHeight(drawn.height())


class ReconstructionPage(TrainingPage):
    """The page of one pretraining. ``used`` says that the person wants to train from it."""

    WORDS: Mapping[Stage, str] = {
        "running": "The network is learning your images",
        "stopping": "Stopping",
        "stopped": "Pretraining is paused",
        "failed": "Pretraining could not go on",
    }
    EXPLAINED = (
        "The error should fall below that of the guess. Squared, in standard deviations of the images' brightness, on "
        "images that the network does not learn from."
    )
    NOUN = "pretraining"

    used = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.sheet = Sheet()
        self._caption = parts.label(CAPTION, "muted", theme.SMALL_SIZE)
        pictures = QVBoxLayout()
        pictures.setSpacing(theme.spacing(1))
        pictures.addWidget(self._caption)
        pictures.addWidget(self.sheet)
        pictures.addStretch(1)
        self.body.removeWidget(self.curves)
        beside = QHBoxLayout()
        beside.setSpacing(theme.spacing(3))
        beside.addLayout(pictures, 1)
        beside.addWidget(self.curves, 1, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(beside)
        self.use = parts.button("Train from it", self.used.emit, "primary", "Learn findings from cases with answers")
        self.side.insertWidget(self.side.indexOf(self.resume), self.use)
        self.use.hide()
        self._where: Callable[[], Path | None] = lambda: None
        self._look()

    def look_into(self, where: Callable[[], Path | None]) -> None:
        """Show the latest sheet of the folder that ``where`` returns, now and at each further epoch."""
        self._where = where
        self._look()

    def hear(self, stage: str, fraction: float | None, values: Mapping[str, float]) -> None:
        """Show how far the pretraining is, and what it fills in by now."""
        super().hear(stage, fraction, {})
        if LOSS in values:
            self._add(stage, values)
            self._look()

    def show_done(self, made: Pretrained) -> None:
        """Show what it came to."""
        self.show_paused()
        self.curves.reset()
        history = made.bundle.card.extra["pretraining"]["history"]
        for figures in history:
            self._add(f"epoch {figures['epoch']:.0f}", figures)
        self.look_into(lambda: made.reconstructions)
        self._title.setText("The network knows your images")
        last = history[-1]
        self.stage.setText(
            f"It fills in hidden patches with an error of {last[LOSS]:.2f}; the mean of the patches that it sees has "
            f"{last[GUESS]:.2f}. It knows no findings yet: train from it with cases whose answers are known."
        )
        self.resume.hide()
        self.use.show()
        self.use.setFocus()

    def _look(self) -> None:
        self.sheet.show_newest(self._where())
        self._caption.setVisible(self.sheet.file is not None)

    def _show_state(self, state: Stage) -> None:
        super()._show_state(state)
        self.use.hide()

    def _add(self, stage: str, values: Mapping[str, float]) -> None:
        self.curves.add(f"{OWN}: {stage}", {PLOT: values[LOSS]})
        self.curves.add(f"{MEAN}: {stage}", {PLOT: values[GUESS]})
        self._explained.show()
