"""The bar above the picture: what dragging does, how many views, brightness, overlays."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from medtransfer.gui import parts, theme
from medtransfer.gui.canvas.tools import MEASURES, Tool
from medtransfer.gui.flow import Flow
from medtransfer.study.display import HOUNSFIELD
from medtransfer.study.model import Image, Window

TOOLS = (
    (Tool.PAN, "Pan", "P", "Drag to move the picture; the wheel with Ctrl zooms."),
    (Tool.ZOOM, "Zoom", "Z", "Drag up or down to zoom."),
    (Tool.WINDOW, "Window", "W", "Drag to change brightness and contrast."),
    (Tool.CROSSHAIR, "Crosshair", "X", "Click or drag to show the same place in every view."),
    (Tool.LENGTH, "Length", "L", "Drag to measure a length."),
    (Tool.RECTANGLE, "Rectangle", "B", "Drag to measure within a rectangle."),
    (Tool.ELLIPSE, "Ellipse", "E", "Drag to measure within an ellipse."),
)
LAYOUTS = (("1", "1", "One view"), ("1x2", "1\u00d72", "Two views side by side"), ("2x2", "2\u00d72", "Four views"))


class Toolbar(QWidget):
    """Switches in groups.

    Signals: ``tool`` (Tool), ``layout_chosen`` (name), ``preset`` (Window), ``overlay`` (shown), ``outline`` (on).
    """

    tool = Signal(object)
    layout_chosen = Signal(str)
    preset = Signal(object)
    overlay = Signal(bool)
    outline = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.tools = {
            tool: parts.switch(title, f"{tip} ({key})") for tool, title, key, tip in TOOLS if tool not in MEASURES
        }
        self.measure = self._measure_button()
        self.layouts = {name: parts.switch(title, tip) for name, title, tip in LAYOUTS}
        self.presets = {window: self._preset(window) for window in HOUNSFIELD}
        self.overlay_button = parts.switch("Overlay", "Show what was found over the picture (O)")
        self.outline_button = parts.switch("Outline", "Draw structures as outlines")
        self._preset_line = self._separator()
        self._overlay_line = self._separator()
        bar = parts.panel("topbar")
        row = Flow(2)
        bar.setLayout(row)
        row.setContentsMargins(theme.spacing(), 3, theme.spacing(), 3)
        self._group(row, [*self.tools.values(), self.measure])
        row.addWidget(self._separator())
        self._group(row, self.layouts.values())
        row.addWidget(self._preset_line)
        for button in self.presets.values():
            row.addWidget(button)
        row.addWidget(self._overlay_line)
        row.addWidget(self.overlay_button)
        row.addWidget(self.outline_button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(bar)
        self._connect()
        self.overlay_button.setChecked(True)
        self.show_for(None)
        self.show_result(heatmap=False, segmentation=False)

    def show_for(self, image: Image | None) -> None:
        """Offer what makes sense for an image."""
        in_hounsfield = image is not None and image.units == "HU"
        for button in self.presets.values():
            button.setVisible(in_hounsfield)
        self._preset_line.setVisible(in_hounsfield)

    def show_result(self, *, heatmap: bool, segmentation: bool) -> None:
        """Offer what can be done with an overlay."""
        self._overlay_line.setVisible(heatmap or segmentation)
        self.overlay_button.setVisible(heatmap or segmentation)
        self.outline_button.setVisible(segmentation)

    def show_tool(self, tool: Tool) -> None:
        """Press the button of a tool."""
        self.tools.get(tool, self.measure).setChecked(True)

    def show_layout(self, name: str) -> None:
        """Press the button of a layout."""
        self.layouts[name].setChecked(True)

    def show_window(self, centre: float, width: float) -> None:
        """Press the preset that is in force, if one is."""
        for window, button in self.presets.items():
            button.setChecked((window.centre, window.width) == (centre, width))

    def _connect(self) -> None:
        for tool, button in self.tools.items():
            button.clicked.connect(self._sender(self.tool.emit, tool))
        for name, button in self.layouts.items():
            button.clicked.connect(self._sender(self.layout_chosen.emit, name))
        for window, button in self.presets.items():
            button.clicked.connect(self._sender(self.preset.emit, window))
        self.overlay_button.toggled.connect(self.overlay)
        self.outline_button.toggled.connect(self.outline)

    def _measure_button(self) -> QToolButton:
        """Return the button whose menu holds what can be measured."""
        button = parts.switch("Measure \u25be", "Measure a length, or the values within a rectangle or an ellipse")
        button.setAccessibleName("Measure")
        menu = QMenu(button)
        for tool, title, key, tip in TOOLS:
            if tool in MEASURES:
                action = menu.addAction(f"{title}\t{key}")
                action.setToolTip(tip)
                action.triggered.connect(self._sender(self.tool.emit, tool))
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return button

    def _preset(self, window: Window) -> QToolButton:
        return parts.switch(window.name, f"Level {window.centre:.0f}, width {window.width:.0f} HU")

    def _group(self, row: Flow, buttons: Iterable[QToolButton]) -> None:
        group = QButtonGroup(self)
        for button in buttons:
            group.addButton(button)
            row.addWidget(button)

    @staticmethod
    def _sender(send: Callable[[object], object], value: object) -> Callable[[], None]:
        def emit() -> None:
            send(value)

        return emit

    @staticmethod
    def _separator() -> QWidget:
        made = QWidget()
        made.setFixedHeight(theme.spacing(2))
        row = QHBoxLayout(made)
        row.setContentsMargins(theme.spacing(0.75), 0, theme.spacing(0.75), 0)
        row.addWidget(parts.upright())
        return made
