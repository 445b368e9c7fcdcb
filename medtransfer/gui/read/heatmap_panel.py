"""How the heat map of the chosen finding is laid over the picture, and how far it may be believed."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QComboBox, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from medtransfer.contract.explainers import NAMES, Explainer
from medtransfer.gui import parts, theme
from medtransfer.gui.canvas.colourmaps import COLOUR_MAPS, ColourMap
from medtransfer.gui.read import words
from medtransfer.gui.settings import Settings
from medtransfer.result.model import Heatmap
from medtransfer.work.report import maps

_WHOLE = "Both"


class HeatmapPanel(QWidget):
    """``changed`` says that the overlay is to be drawn anew, ``explain`` that a map is wanted in the chosen way."""

    changed = Signal()
    explain = Signal()

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._maps: Sequence[Heatmap] = ()
        self.part_buttons = QButtonGroup(self)
        self._parts = QWidget()
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
        self.how = QComboBox()
        self.how.setAccessibleName("How the heat map is made")
        self.how.activated.connect(self.explain)
        self.trust = parts.label("", "muted", theme.SMALL_SIZE)
        self.caution = parts.label("", "warning", theme.SMALL_SIZE)
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

    @property
    def explainer(self) -> Explainer:
        """The way to make maps that is chosen."""
        return next((way for way in NAMES if way == self.how.currentData()), "gradcam")

    def offer(self, ways: Sequence[Explainer], made_by: Explainer) -> None:
        """Offer the ways to make maps, of which one made those that are there; nothing where there is one way alone."""
        self.how.clear()
        for way in ways:
            self.how.addItem(NAMES[way], way)
        self.how.setCurrentIndex(max(self.how.findData(made_by), 0))
        self.how.setVisible(len(ways) > 1)

    @property
    def heatmap(self) -> Heatmap | None:
        """The map that is chosen: that of the whole answer, or of one of its parts."""
        return next((entry for entry in self._maps if entry.info.part == self._chosen_part), None)

    def show_for(self, known: Sequence[Heatmap], name: str, *, can_explain: bool) -> None:
        """Show what is known about the maps of one finding, the whole answer's first, or that there is none."""
        before = self._chosen_part
        self._maps = known
        self._offer_parts(before)
        self._controls.setVisible(bool(known))
        self.none.setVisible(not known)
        self.ask.setVisible(not known and can_explain)
        if known:
            self._say_trust()
            return
        why = "" if can_explain else " This plug-in does not explain its answers."
        self.none.setText(f"No heat map was made for {name}.{why}")

    @property
    def _chosen_part(self) -> str:
        button = self.part_buttons.checkedButton()
        return str(button.property("part")) if button is not None else ""

    def _offer_parts(self, chosen: str) -> None:
        """Offer the whole answer's map and those of its parts, where there are any; keep what was looked at before."""
        for button in self.part_buttons.buttons():
            self.part_buttons.removeButton(button)
            button.setParent(None)
            button.deleteLater()
        self._parts.setVisible(len(self._maps) > 1)
        kept = chosen if any(entry.info.part == chosen for entry in self._maps) else ""
        for entry in self._maps:
            button = parts.switch(entry.info.part.upper() or _WHOLE, entry.info.method)
            button.setAccessibleDescription(entry.info.method)
            button.setProperty("part", entry.info.part)
            button.setChecked(entry.info.part == kept)
            button.clicked.connect(self._part_chosen)
            self.part_buttons.addButton(button)
            self._part_row.addWidget(button)

    def _part_chosen(self) -> None:
        self._say_trust()
        self.changed.emit()

    def _say_trust(self) -> None:
        """Say how far the map may be believed; that of a part by the measure of the whole."""
        whole, shown = self._maps[0].info, self.heatmap
        believable = words.worth_reading(whole)
        said = words.faithfulness(whole)
        if shown is not None and shown.info.part:
            said = f"{shown.info.method}; for both together: {said}"
        meaning = maps.meaning(whole) if believable else maps.NO_BETTER
        self.trust.setText(f"{said[0].upper()}{said[1:]}. {meaning}")
        parts.restyle(self.trust, "kind", "muted" if believable else "warning")
        self.caution.setText(whole.caution)
        self.caution.setVisible(bool(whole.caution))

    def _lay_out(self) -> None:
        first = QHBoxLayout()
        first.setSpacing(theme.spacing())
        first.addWidget(self.shown, 1)
        first.addWidget(self.colours)
        self._part_row = QHBoxLayout(self._parts)
        self._part_row.setContentsMargins(0, 0, 0, 0)
        self._part_row.setSpacing(theme.spacing(0.5))
        self._part_row.setAlignment(Qt.AlignmentFlag.AlignLeft)
        self._part_row.addWidget(parts.label("Map of", "muted"))
        second = QHBoxLayout()
        second.setSpacing(theme.spacing())
        second.addWidget(self.opacity, 1)
        second.addWidget(self.percent)
        inside = QVBoxLayout(self._controls)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(theme.spacing())
        inside.addLayout(first)
        inside.addLayout(second)
        inside.addWidget(self._parts)
        inside.addWidget(self.trust)
        inside.addWidget(self.caution)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing())
        for widget in (self.how, self._controls, self.none, self.ask):
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
