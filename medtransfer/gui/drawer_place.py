"""Where the drawer comes out: empty, and free of cost, until a page of it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from PySide6.QtWidgets import QVBoxLayout, QWidget

from medtransfer.gui.context import Context

if TYPE_CHECKING:
    from medtransfer.gui.drawer import Drawer

Page = Literal["jobs", "log"]
PAGES: tuple[Page, ...] = get_args(Page)


class DrawerPlace(QWidget):
    """Holds the drawer with jobs and log; hidden until asked for."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._drawer: Drawer | None = None
        self.hide()

    @property
    def drawer(self) -> Drawer:
        """The drawer, made when it is first needed."""
        if self._drawer is None:
            from medtransfer.gui.drawer import Drawer

            self._drawer = Drawer(self._context, self.hide)
            column = QVBoxLayout(self)
            column.setContentsMargins(0, 0, 0, 0)
            column.addWidget(self._drawer)
        return self._drawer

    def page(self) -> Page | None:
        """Return which page is shown, if any."""
        return None if self.isHidden() else self.drawer.page()

    def show_page(self, name: Page) -> None:
        """Show a page."""
        self.drawer.choose(name)
        self.show()

    def toggle(self, name: Page) -> None:
        """Show a page, or put the drawer away if that page is shown."""
        if self.page() == name:
            self.hide()
        else:
            self.show_page(name)
