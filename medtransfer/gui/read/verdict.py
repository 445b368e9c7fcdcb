"""The person's own verdict on an answer: right, wrong or unsure; pressing the same again withdraws it."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from medtransfer.gui import parts, theme
from medtransfer.work.verdicts import Verdict

_VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


class VerdictPanel(QWidget):
    """Three buttons of which at most one is pressed. ``given`` carries a verdict, or None when it is withdrawn."""

    given = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.buttons: dict[Verdict, QPushButton] = {}
        row = QHBoxLayout()
        row.setSpacing(theme.spacing())
        for verdict in _VERDICTS:
            button = parts.button(verdict.capitalize(), self._presser(verdict))
            button.setCheckable(True)
            self.buttons[verdict] = button
            row.addWidget(button, 1)
        self.said = parts.label("", "muted", theme.SMALL_SIZE)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing())
        column.addLayout(row)
        column.addWidget(self.said)

    def show_verdict(self, verdict: Verdict | None, about: str) -> None:
        """Show the verdict on what is selected."""
        for name, button in self.buttons.items():
            button.setChecked(name == verdict)
            button.setAccessibleName(f"{about}: {name}")
        self.said.setText(
            f"{about}: {verdict}. Kept with the result."
            if verdict
            else f"{about}: is the answer right? It is kept here."
        )

    def press(self, verdict: Verdict) -> None:
        """Do what a click on the button does."""
        self.buttons[verdict].click()

    def _presser(self, verdict: Verdict) -> Callable[[], None]:
        return lambda: self.given.emit(verdict if self.buttons[verdict].isChecked() else None)
