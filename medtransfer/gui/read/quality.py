"""Time or detail: how volumes are segmented, and what that costs with the model at hand."""

from __future__ import annotations

from math import prod

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from medtransfer.contract.bundle import BundleCard
from medtransfer.contract.plan import VolumePlan
from medtransfer.contract.requests import QUALITIES, Quality
from medtransfer.errors import MedTransferError
from medtransfer.gui import parts, theme
from medtransfer.gui.read import words
from medtransfer.gui.settings import QUALITY, Settings


class QualityChoice(QWidget):
    """A box with the qualities and a sentence below it; what is chosen is a setting and so remembered.

    Hidden for models that do not segment volumes: they know one quality.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._plan: VolumePlan | None = None
        self.box = QComboBox()
        self.box.setAccessibleName("Quality")
        for quality in QUALITIES:
            self.box.addItem(QUALITY.options[quality], quality)
        self.line = parts.label("", "muted", theme.SMALL_SIZE)
        row = QHBoxLayout()
        row.setSpacing(theme.spacing())
        row.addWidget(parts.label("Quality"))
        row.addWidget(self.box, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing(0.5))
        column.addLayout(row)
        column.addWidget(self.line)
        self._tell()
        self.box.currentIndexChanged.connect(self._choose)
        settings.changed.connect(self._setting_changed)

    @property
    def value(self) -> Quality:
        """The quality that an analysis is to have."""
        chosen = self._settings.text(QUALITY.name)
        return next((quality for quality in QUALITIES if self._plan is not None and quality == chosen), "full")

    def show_for(self, card: BundleCard | None) -> None:
        """Offer the choice if the model segments volumes."""
        volumes = card is not None and isinstance(card.preprocessing, VolumePlan)
        self._plan = card.for_volumes if card is not None and volumes else None
        self.setVisible(volumes)
        self._tell()

    def _choose(self) -> None:
        try:
            self._settings.set(QUALITY.name, str(self.box.currentData()))
        except MedTransferError as error:  # it counts until the window is closed
            self.line.setText(error.shown())

    def _setting_changed(self, name: str) -> None:
        if name == QUALITY.name:
            self._tell()

    def _tell(self) -> None:
        self.box.setCurrentIndex(self.box.findData(self._settings.text(QUALITY.name)))
        told = cost(self.value, self._plan) if self._plan is not None else ""
        self.line.setText(told)
        self.box.setAccessibleDescription(told)


def cost(quality: Quality, plan: VolumePlan) -> str:
    """Return in a sentence what a quality means for the model of that plan, and how long it takes beside another."""
    coarser = round(prod(plan.fast_spacing) / prod(plan.spacing), 1)
    looks = 2 ** len(plan.mirrored)
    match quality:
        case "fast" if coarser > 1:
            fast = words.distances(plan.fast_spacing)
            return f"On a grid of {fast}: about {coarser:g} times as fast as full. Small structures suffer."
        case "fast":
            return f"This model knows no finer grid than {words.distances(plan.spacing)}: the same as full."
        case "thorough" if looks > 1:
            return f"Looks {looks} times, mirrored, and takes the mean: about {looks} times as long as full."
        case "thorough":
            return "This model was trained without mirrored images: the same as full."
    return f"On the grid that the model was trained on: {words.distances(plan.spacing)}."
