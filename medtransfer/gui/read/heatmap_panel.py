"""How the heat map of the chosen finding is laid over the picture, and how far it may be believed."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from medtransfer.gui import parts, theme
from medtransfer.gui.canvas.colourmaps import COLOUR_MAPS, ColourMap
from medtransfer.gui.read import words
from medtransfer.gui.settings import Settings
from medtransfer.result.model import Heatmap

_NO_BETTER = "No better than chance: do not read anything into this map."
_WHAT_IT_SHOWS = "It shows what moved the answer, not the outline of a lesion."


class HeatmapPanel(QWidget):
    """``changed`` says that the overlay is to be drawn anew, ``explain`` that a map is wanted where there is none."""

    changed = Signal()
    explain = Signal()

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self.shown = QCheckBox("Heat map")
        self.shown.setChecked(True)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setValue(60)
        self.opacity.setAccessibleName("Opacity of the heat map")
        self.opacity.setToolTip("Opacity")
        self.percent = parts.label("60 %", "muted")
        self.percent.setFixedWidth(theme.spacing(5))
        self.colours = QComboBox()
        self.colours.setAccessibleName("Colours of the heat map")
        for name in COLOUR_MAPS:
            self.colours.addItem(name.capitalize(), name)
        self.colours.setCurrentIndex(self.colours.findData(settings.text("colour_map")))
        self.trust = parts.label("", "muted", theme.SMALL_SIZE)
        self.none = parts.label("", "muted")
        self.ask = parts.button("Explain this", self.explain.emit)
        self._controls = QWidget()
        self._lay_out()
        self.shown.toggled.connect(self.changed)
        self.opacity.valueChanged.connect(self._opacity_changed)
        self.colours.currentIndexChanged.connect(self._colours_changed)
        settings.changed.connect(self._setting_changed)

    @property
    def colour_map(self) -> ColourMap:
        """The colours in force."""
        return COLOUR_MAPS[self.colours.currentIndex()]

    def show_for(self, heatmap: Heatmap | None, name: str, *, can_explain: bool) -> None:
        """Show what is known about the map of one finding, or that there is none."""
        self._controls.setVisible(heatmap is not None)
        self.none.setVisible(heatmap is None)
        self.ask.setVisible(heatmap is None and can_explain)
        if heatmap is None:
            why = "" if can_explain else " This plug-in does not explain its answers."
            self.none.setText(f"No heat map was made for {name}.{why}")
            return
        believable = words.worth_reading(heatmap.info)
        said = words.faithfulness(heatmap.info)
        self.trust.setText(f"{said[0].upper()}{said[1:]}. {_WHAT_IT_SHOWS if believable else _NO_BETTER}")
        parts.restyle(self.trust, "kind", "muted" if believable else "warning")

    def _lay_out(self) -> None:
        first = QHBoxLayout()
        first.setSpacing(theme.spacing())
        first.addWidget(self.shown, 1)
        first.addWidget(self.colours)
        second = QHBoxLayout()
        second.setSpacing(theme.spacing())
        second.addWidget(self.opacity, 1)
        second.addWidget(self.percent)
        inside = QVBoxLayout(self._controls)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(theme.spacing())
        inside.addLayout(first)
        inside.addLayout(second)
        inside.addWidget(self.trust)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing())
        for widget in (self._controls, self.none, self.ask):
            column.addWidget(widget)

    def _opacity_changed(self, value: int) -> None:
        self.percent.setText(f"{value} %")
        self.changed.emit()

    def _colours_changed(self) -> None:
        self._settings.set("colour_map", self.colours.currentData())

    def _setting_changed(self, name: str) -> None:
        if name == "colour_map":
            self.colours.setCurrentIndex(self.colours.findData(self._settings.text("colour_map")))
            self.changed.emit()
