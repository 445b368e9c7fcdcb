"""Last step: how good the model became, and publishing it."""

from __future__ import annotations

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices

from medtransfer.gui import pages, parts, theme
from medtransfer.gui.evaluation import EvaluationView
from medtransfer.work.learn import Trained
from medtransfer.work.report.model_sections import model_line
from medtransfer.work.report.numbers import counted


class ReportPage(pages.Page):
    """The page. Its signals say what the person wants: the model in the list, to read with it, the training removed."""

    published = Signal()
    read = Signal()
    removed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.trained: Trained | None = None
        self.evaluation = EvaluationView()
        self._title = parts.title("")
        self.body.addWidget(self._title)
        self._tiles = pages.tiles({})
        self.body.addWidget(self._tiles)
        self.body.addWidget(self.evaluation)
        self._name = parts.label("", weight=theme.SEMIBOLD)
        self._line = parts.label("", "muted")
        self.state = parts.label("", "muted")
        self.publish = parts.button("Publish", self.published.emit, "primary", "Put the model into the list under Read")
        self.go_read = parts.button("Read with it", self.read.emit, "primary")
        self.full = parts.button("Open the whole report", self._open_report, tip="Opens the page in your browser")
        self.remove = parts.button("Remove this training", self.removed.emit, "quiet")
        for widget in (parts.heading("Model"), self._name, self._line, self.state):
            self.side.addWidget(widget)
        self.side.addSpacing(theme.spacing(1))
        for button in (self.publish, self.go_read, self.full, self.remove):
            self.side.addWidget(button)
        self.side.addStretch(1)

    def show_trained(self, trained: Trained, reference: str) -> None:
        """Show a finished training; ``reference`` is what it was published under, empty before."""
        self.trained = trained
        card = trained.bundle.card
        self._title.setText(f"How good \u201c{trained.name}\u201d became")
        figures = {
            "cases": card.data.cases,
            "patients": card.data.patients,
            "trained on": card.data.train,
            "chosen on (validation)": card.data.validation,
            "tested on, once": card.data.test,
        }
        fresh = pages.tiles({name: f"{count:,}" for name, count in figures.items()})
        self.body.replaceWidget(self._tiles, fresh)
        self._tiles.hide()
        self._tiles.deleteLater()
        self._tiles = fresh
        self.evaluation.show_card(card)
        self._name.setText(trained.name)
        self._line.setText(model_line(card))
        self.show_reference(reference)

    def show_reference(self, reference: str) -> None:
        """Say whether the model is published, and as what."""
        self.publish.setVisible(not reference)
        self.publish.setEnabled(True)
        self.go_read.setVisible(bool(reference))
        self.state.setProperty("kind", "accent" if reference else "muted")
        parts.restyle(self.state, "kind", "accent" if reference else "muted")
        self.state.setText(
            f"Published as {reference}. It is in the list under Read." if reference else self._before_publishing()
        )
        (self.go_read if reference else self.publish).setFocus()

    def _before_publishing(self) -> str:
        card = self.trained.bundle.card if self.trained else None
        if card is None or card.evaluation is None:
            return "Not published yet."
        return f"Not published yet: look at how it did on {counted(card.data.test, 'test case')} first."

    def show_publishing(self) -> None:
        """Say that the click was heard."""
        self.publish.setEnabled(False)
        self.state.setText("Publishing\u2026")

    def show_trouble(self, words: str) -> None:
        """Say why it was not published."""
        self.publish.setEnabled(True)
        parts.restyle(self.state, "kind", "danger")
        self.state.setText(words)

    def _open_report(self) -> None:
        if self.trained is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.trained.report)))
