"""The three regions of the reading space: what is open, the picture, what was found."""

from __future__ import annotations

from collections.abc import Generator
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from medtransfer.gui import pages, parts, theme
from medtransfer.gui.read.analyse import AnalysePanel
from medtransfer.gui.read.centre import Centre
from medtransfer.gui.read.drawn import Drawn
from medtransfer.gui.read.notices import Notices
from medtransfer.gui.read.result_panel import ResultPanel
from medtransfer.gui.read.studies import StudiesModel
from medtransfer.gui.read.studies_panel import StudiesPanel
from medtransfer.gui.read.viewer import Viewer
from medtransfer.gui.settings import Settings

Panel = Literal["left", "right"]

_RIGHT_WIDTH = 328
_NARROW = 1000
"""Below this width the panel at the left gives way to the picture."""
_NARROW_LEFT = 184
_LEAST_LEFT, _LEAST_PICTURE, _LEAST_RIGHT = 160, 232, 264
"""In the narrowest window the panel at the right gives way as well."""
_MOST = 560
"""A panel does not become wider than this."""


class Regions(QWidget):
    """The space's widget: it arranges the panels and knows nothing of what leads to what.

    A person may drag the edges of the panels at the left and at the right, and put either away.
    """

    def __init__(self, studies: StudiesPanel, viewer: Viewer, analyse: AnalysePanel, result: ResultPanel) -> None:
        super().__init__()
        self.studies = studies
        self.viewer = viewer
        self.centre = Centre(viewer)
        self.analyse = analyse
        self.result = result
        self.drawn = Drawn(viewer.undo)
        self.notices = Notices()
        self.right = self._make_right()
        self._dragged: tuple[int, int] | None = None
        self.splitter = self._make_splitter()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.splitter)

    @classmethod
    def pieces(cls, studies: StudiesModel, settings: Settings) -> Generator[None, None, Regions]:
        """Build the panels one by one, and the whole at the end."""
        left = StudiesPanel(studies)
        yield
        viewer = Viewer()
        yield
        analyse = AnalysePanel(settings)
        yield
        result = ResultPanel(settings, viewer.undo)
        yield
        return cls(left, viewer, analyse, result)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the panels as they were dragged; otherwise leave the picture most of a narrow window."""
        super().resizeEvent(event)
        self._arrange()

    @property
    def panels(self) -> dict[Panel, QWidget]:
        """The panels that can be put away."""
        return {"left": self.studies, "right": self.right}

    def toggle(self, panel: Panel) -> None:
        """Show a panel, or put it away."""
        self.panels[panel].setVisible(self.panels[panel].isHidden())
        self._arrange()

    def state(self) -> dict[str, object]:
        """Return which panels are put away and how wide they were dragged, as JSON can hold it."""
        return {
            "hidden": [name for name, panel in self.panels.items() if panel.isHidden()],
            "dragged": list(self._dragged) if self._dragged is not None else None,
        }

    def restore(self, state: object) -> None:
        """Bring back what :meth:`state` returned; what is none of that is passed over."""
        if not isinstance(state, dict):
            return
        hidden, dragged = state.get("hidden"), state.get("dragged")
        for name, panel in self.panels.items():
            panel.setHidden(isinstance(hidden, list) and name in hidden)
        if isinstance(dragged, list) and [type(width) for width in dragged] == [int, int]:
            self._dragged = dragged[0], dragged[1]
        self._arrange()

    def _arrange(self) -> None:
        width = self.width()
        left, right = self._dragged or (_NARROW_LEFT if width < _NARROW else pages.LIST_WIDTH, _RIGHT_WIDTH)
        right = min(right, max(width - left - _LEAST_PICTURE, _LEAST_RIGHT))
        self.splitter.setSizes([left, max(width - left - right, _LEAST_PICTURE), right])

    def _edge_dragged(self, _place: int, _edge: int) -> None:
        left, _, right = self.splitter.sizes()
        before = self._dragged or (pages.LIST_WIDTH, _RIGHT_WIDTH)
        self._dragged = left or before[0], right or before[1]  # a panel that is put away has no width

    def show_start(self, *, has_demo: bool) -> None:
        """Show that nothing is open."""
        self.centre.show_start(has_demo=has_demo)
        self.analyse.show_nothing()
        self.result.clear()
        self.drawn.offer([])
        self.notices.show_notices([])
        self.viewer.clear()

    def hover(self, *, over: bool) -> None:
        """Show that what is being dragged may be dropped; the window calls this."""
        self.studies.show_drop(over=over)

    def _make_splitter(self) -> QSplitter:
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setChildrenCollapsible(False)
        splitter.setHandleWidth(1)
        for widget, least in ((self.studies, _LEAST_LEFT), (self.centre, _LEAST_PICTURE), (self.right, _LEAST_RIGHT)):
            widget.setMinimumWidth(least)
            splitter.addWidget(widget)
        for panel in self.panels.values():
            panel.setMaximumWidth(_MOST)
        splitter.setStretchFactor(1, 1)
        splitter.splitterMoved.connect(self._edge_dragged)
        return splitter

    def _make_right(self) -> QWidget:
        inside = parts.panel()
        column = QVBoxLayout(inside)
        column.setContentsMargins(theme.spacing(1.5), theme.spacing(1.5), theme.spacing(1.5), theme.spacing(1.5))
        column.setSpacing(theme.spacing(1.5))
        for widget in (self.analyse, self.result, self.drawn, self.notices):
            column.addWidget(widget)
        column.addStretch()
        right = parts.panel()
        whole = QVBoxLayout(right)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(pages.scrolling(inside))
        return right
