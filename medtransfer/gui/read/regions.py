"""The three regions of the reading space: what is open, the picture, what was found."""

from __future__ import annotations

from collections.abc import Generator

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

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

_RIGHT_WIDTH = 328
_NARROW = 1000
"""Below this width the panel at the left gives way to the picture."""
_NARROW_LEFT = 184
_LEAST_PICTURE, _LEAST_RIGHT = 232, 264
"""In the narrowest window the panel at the right gives way as well."""


class Regions(QWidget):
    """The space's widget: it arranges the panels and knows nothing of what leads to what."""

    def __init__(self, studies: StudiesPanel, viewer: Viewer, analyse: AnalysePanel, result: ResultPanel) -> None:
        super().__init__()
        self.studies = studies
        self.viewer = viewer
        self.centre = Centre(viewer)
        self.analyse = analyse
        self.result = result
        self.drawn = Drawn()
        self.notices = Notices()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.studies)
        row.addWidget(self.centre, 1)
        self._right = self._make_right()
        row.addWidget(self._right)

    @classmethod
    def pieces(cls, studies: StudiesModel, settings: Settings) -> Generator[None, None, Regions]:
        """Build the panels one by one, and the whole at the end."""
        left = StudiesPanel(studies)
        yield
        viewer = Viewer()
        yield
        analyse = AnalysePanel()
        yield
        result = ResultPanel(settings)
        yield
        return cls(left, viewer, analyse, result)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Leave the picture most of a narrow window."""
        super().resizeEvent(event)
        narrow = event.size().width() < _NARROW
        left = _NARROW_LEFT if narrow else pages.LIST_WIDTH
        self.studies.panel.setFixedWidth(left)
        room = event.size().width() - left - _LEAST_PICTURE
        self._right.setFixedWidth(min(max(room, _LEAST_RIGHT), _RIGHT_WIDTH))

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

    def _make_right(self) -> QWidget:
        inside = parts.panel()
        column = QVBoxLayout(inside)
        column.setContentsMargins(theme.spacing(1.5), theme.spacing(1.5), theme.spacing(1.5), theme.spacing(1.5))
        column.setSpacing(theme.spacing(1.5))
        for widget in (self.analyse, self.result, self.drawn, self.notices):
            column.addWidget(widget)
        column.addStretch()
        right = parts.panel("right")
        right.setFixedWidth(_RIGHT_WIDTH)
        whole = QVBoxLayout(right)
        whole.setContentsMargins(1, 0, 0, 0)
        whole.addWidget(pages.scrolling(inside))
        return right
