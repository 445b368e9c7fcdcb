"""Whether a trio of networks answers each finding, and whether pictures of confirmed cases go with the model."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QVBoxLayout, QWidget

from medtransfer.contract.recipe import Recipe
from medtransfer.gui import parts, theme

_TRIO = "Compare with confirmed cases, and let several networks vote"
_ABOUT_TRIO = (
    "For each finding two networks and a comparison with your confirmed cases; learners vote on what they say. Then a "
    "finding names the cases that it is most like, and one with fewer than 20 positive cases can be learnt, too. "
    "Takes longer."
)
_PICTURES = "Keep small pictures of the positive cases in the model"
_ABOUT_PICTURES = (
    "A finding then shows the most similar cases side by side, not only how far away they are. These are pictures of "
    "your patients: 128 pixels wide, of the part that the network sees, without name, date or file name. Whoever gets "
    "the model can see them. Tick this only with the consent of your patients or your ethics committee, and if "
    "everybody who gets the model may see them."
)


class TrioChoice(QFrame):
    """Two boxes, the second one below the first; ``changed`` says that the first was ticked or cleared."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "note")
        self.trio, self.pictures = _box(_TRIO, _ABOUT_TRIO), _box(_PICTURES, _ABOUT_PICTURES)
        self._below = QWidget()
        below = QVBoxLayout(self._below)
        below.setContentsMargins(theme.spacing(3), theme.spacing(1), 0, 0)
        below.setSpacing(theme.spacing(0.75))
        below.addWidget(self.pictures)
        below.addWidget(parts.label(_ABOUT_PICTURES, "muted"))
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.spacing(2), theme.spacing(1.5), theme.spacing(2), theme.spacing(1.5))
        column.setSpacing(theme.spacing(0.75))
        column.addWidget(self.trio)
        column.addWidget(parts.label(_ABOUT_TRIO, "muted"))
        column.addWidget(self._below)
        self.trio.toggled.connect(self._toggled)
        self._toggled(ticked=False)

    def offer(self, usual: Recipe) -> None:
        """Begin with what the plug-in's recipe does unless a person says otherwise; pictures are never kept unasked."""
        before = self.blockSignals(True)  # noqa: FBT003 - Qt's signature
        self.trio.setChecked(usual.ensemble == "trio")
        self.pictures.setChecked(False)
        self.blockSignals(before)

    def settings(self) -> dict[str, str | int | float | bool]:
        """Return what the recipe is to be; nothing where the choice was not offered."""
        if self.isHidden():
            return {}
        if not self.trio.isChecked():
            return {"ensemble": "none"}
        return {"ensemble": "trio", "keep_pictures": self.pictures.isChecked()}

    def _toggled(self, ticked: bool) -> None:  # noqa: FBT001 - Qt's signature
        self._below.setVisible(ticked)
        if not ticked:
            self.pictures.setChecked(False)
        self.changed.emit()


def _box(text: str, about: str) -> QCheckBox:
    box = QCheckBox(text)
    box.setFont(theme.font(weight=theme.MEDIUM))
    box.setAccessibleDescription(about)
    return box
