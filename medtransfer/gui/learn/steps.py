"""The four steps of a training, with the one that is shown."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from medtransfer.gui import parts, theme

NAMES = ("Cases", "Recipe", "Training", "Report")


class Steps(QWidget):
    """A line of words above the page."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "topbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.spacing(3), theme.spacing(1), theme.spacing(3), theme.spacing(1))
        row.setSpacing(theme.spacing(1.5))
        self._labels: list[QLabel] = []
        for number, name in enumerate(NAMES):
            if number:
                row.addWidget(parts.label("\u203a", "muted"))
            made = parts.label(f"{number + 1}  {name}", "muted", weight=theme.MEDIUM)
            made.setWordWrap(False)
            self._labels.append(made)
            row.addWidget(made)
        row.addStretch(1)
        self.show_step(0)

    def show_step(self, shown: int) -> None:
        """Mark a step as the one that is shown, those before it as done."""
        for number, made in enumerate(self._labels):
            made.setFont(theme.font(weight=theme.SEMIBOLD if number == shown else theme.MEDIUM))
            parts.restyle(made, "kind", "accent" if number == shown else "text" if number < shown else "muted")
        self.setAccessibleName(f"Step {shown + 1} of {len(NAMES)}: {NAMES[shown]}")
