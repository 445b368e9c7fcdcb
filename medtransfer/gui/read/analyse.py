"""Choose a plug-in and a model and start: what fits comes first, and for the others stands why they do not."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from medtransfer.gui import parts, theme
from medtransfer.gui.background import Job
from medtransfer.gui.read import words
from medtransfer.gui.read.quality import QualityChoice
from medtransfer.gui.read.trouble import Trouble
from medtransfer.gui.read.waiting import Waiting
from medtransfer.gui.settings import Settings
from medtransfer.work.choices import NO_MODEL, Choice, ModelChoice

_FEWEST_LETTERS = 8
_NARROW = 290


class AnalysePanel(QWidget):
    """The card at the top of the right panel.

    ``start`` says that the person wants an analysis, ``card_wanted`` that the model's card is to be shown, and ``go``
    carries the id of a space that helps when nothing fits.
    """

    start = Signal()
    card_wanted = Signal()
    go = Signal(str)

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._choices: list[Choice] = []
        self.plugin = QComboBox()
        self.plugin.setAccessibleName("Plug-in")
        self.plugin.currentIndexChanged.connect(self._plugin_changed)
        self.model = QComboBox()
        for box in (self.plugin, self.model):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(_FEWEST_LETTERS)
            box.setMinimumWidth(theme.spacing(10))
        self.model.setAccessibleName("Model")
        self.model.currentIndexChanged.connect(self._model_changed)
        self.line = parts.label("", "muted")
        self.quality = QualityChoice(settings)
        self.analyse = parts.button("Analyse", self.start.emit, kind="primary")
        self.card = parts.button(
            "Card", self.card_wanted.emit, tip="What the plug-in and the model are, and are not, for"
        )
        self.waiting = Waiting()
        self.trouble = Trouble()
        self.others = parts.button("", self._toggle_reasons, kind="quiet")
        self.reasons = parts.label("", "muted", theme.SMALL_SIZE)
        self.frame, inside = parts.card()
        self._choosers = _row(self.plugin, self.model, 1)
        inside.addLayout(self._choosers)
        inside.addWidget(self.line)
        inside.addWidget(self.quality)
        inside.addLayout(_row(self.analyse, self.card, 0))
        inside.addWidget(self.waiting)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing())
        for widget in (self.frame, self.trouble, self.others, self.reasons):
            column.addWidget(widget)
        self.show_nothing()

    @property
    def chosen(self) -> tuple[Choice, ModelChoice] | None:
        """The plug-in and the model that an analysis would use."""
        choice = self._choice()
        if choice is None or not 0 <= self.model.currentIndex() < len(choice.models):
            return None
        return choice, choice.models[self.model.currentIndex()]

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Put plug-in and model below each other where they would be cut side by side."""
        super().resizeEvent(event)
        narrow = event.size().width() < _NARROW
        self._choosers.setDirection(
            QHBoxLayout.Direction.TopToBottom if narrow else QHBoxLayout.Direction.LeftToRight,
        )

    def show_nothing(self) -> None:
        """Show nothing: no series is open."""
        self._choices = []
        self.trouble.clear()
        for widget in (self.frame, self.others, self.reasons):
            widget.hide()

    def show_choices(self, choices: Sequence[Choice]) -> None:
        """Offer the plug-ins that fit; what was chosen before stays chosen where it can."""
        before = self.chosen
        self._choices = list(choices)
        fitting = [choice for choice in choices if choice.fits]
        self.plugin.blockSignals(True)  # noqa: FBT003 - Qt's signature
        self.plugin.clear()
        for choice in fitting:
            self.plugin.addItem(choice.name, choice.plugin)
        if before is not None:
            self.plugin.setCurrentIndex(max(self.plugin.findData(before[0].plugin), 0))
        self.plugin.blockSignals(False)  # noqa: FBT003
        self._plugin_changed()
        if before is not None:
            self.model.setCurrentIndex(max(self.model.findData(before[1].reference), 0))
        self.frame.setVisible(bool(fitting))
        self.trouble.clear()
        others = [choice for choice in choices if not choice.fits]
        self._show_others(others, alone=not fitting)
        if not fitting:
            self._nothing_fits(others)

    def show_running(self, job: Job) -> None:
        """Follow a running analysis."""
        self.trouble.clear()
        self.analyse.setEnabled(False)
        self.waiting.follow(job)

    def show_ended(self) -> None:
        """Offer to start again."""
        self.analyse.setEnabled(self.chosen is not None)

    def _nothing_fits(self, others: list[Choice]) -> None:
        untaught = [choice for choice in others if choice.reason == NO_MODEL]
        if untaught:
            self.trouble.show_warning(
                "No model yet",
                f"{untaught[0].name} fits this series, but it has no model yet.",
                ("Teach one", lambda: self.go.emit("learn")),
                ("Models", lambda: self.go.emit("models")),
            )
            return
        self.trouble.show_warning(
            "No plug-in fits this series",
            "You can look at it and measure in it, but nothing here can analyse it."
            if others
            else "No plug-in is installed.",
            ("Plug-ins", lambda: self.go.emit("plugins")),
        )

    def _show_others(self, others: list[Choice], *, alone: bool) -> None:
        count = len(others)
        self.others.setText("1 other plug-in does not fit" if count == 1 else f"{count} other plug-ins do not fit")
        self.others.setVisible(bool(others) and not alone)
        self.reasons.setText("\n".join(f"{choice.name}: {choice.reason}" for choice in others))
        self.reasons.setVisible(bool(others) and alone)

    def _toggle_reasons(self) -> None:
        self.reasons.setVisible(self.reasons.isHidden())

    def _choice(self) -> Choice | None:
        chosen = self.plugin.currentData()
        return next((choice for choice in self._choices if choice.plugin == chosen), None)

    def _plugin_changed(self) -> None:
        choice = self._choice()
        self.model.clear()
        for version in choice.models if choice else ():
            self.model.addItem(version.reference, version.reference)
        self._model_changed()

    def _model_changed(self) -> None:
        chosen = self.chosen
        self.plugin.setToolTip(self.plugin.currentText())
        self.model.setToolTip(self.model.currentText())
        usable = chosen is not None and chosen[1].bundle is not None
        self.analyse.setEnabled(usable)
        self.card.setEnabled(chosen is not None)
        self.quality.show_for(chosen[1].bundle.card if chosen is not None and chosen[1].bundle is not None else None)
        if chosen is None:
            self.line.setText("")
        elif chosen[1].bundle is None:
            self.line.setText(f"This model cannot be opened: {chosen[1].problem}.")
        else:
            self.line.setText(words.model_line(chosen[1].bundle.card))


def _row(first: QWidget, second: QWidget, stretch: int) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(theme.spacing())
    row.addWidget(first, 1)
    row.addWidget(second, stretch)
    return row
