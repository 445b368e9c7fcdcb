"""What a training starts from: what comes with the plug-in, or one of the person's own pretrainings."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from medtransfer.gui import parts, theme
from medtransfer.gui.context import Context
from medtransfer.work import pretrainings
from medtransfer.work.pretrainings import Pretraining

OWN = "What comes with the plug-in"


class Beginnings(QWidget):
    """The choice, hidden while there is none. ``changed`` says that the person chose something else.

    :attr:`pretrainer` says whether any plug-in here can pretrain at all.
    """

    changed = Signal()

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._plugin = ""
        self._wanted = ""
        self.pretrainer = False
        self.box = QComboBox()
        self.box.setAccessibleName("What the training starts from")
        self.box.addItem(OWN, "")
        self.box.activated.connect(self.changed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing(1))
        column.addWidget(parts.heading("Start from"))
        column.addWidget(self.box)
        self.hide()

    @property
    def folder(self) -> str:
        """The folder of the pretraining that is chosen; empty for what comes with the plug-in."""
        return self._wanted or str(self.box.currentData() or "")

    def show_for(self, plugin: str) -> None:
        """Offer the pretrainings of a plug-in."""
        self._plugin, home = plugin, self._context.home
        self._context.background.run(
            "Looking for pretrainings",
            lambda _job: pretrainings.encoders(home, plugin),
            lambda found: self._show(plugin, found),
        )

    def select(self, pretraining: Pretraining) -> None:
        """Choose one, now or when it is listed."""
        self._wanted = str(pretraining.folder)
        self.show_for(pretraining.wish.plugin)

    def _show(self, plugin: str, found: list[Pretraining]) -> None:
        if plugin != self._plugin:
            return
        chosen, self._wanted = self.folder, ""
        self.box.clear()
        self.box.addItem(OWN, "")
        for entry in found:
            self.box.addItem(entry.wish.name, str(entry.folder))
        self.box.setCurrentIndex(max(self.box.findData(chosen), 0))
        self.setVisible(bool(found))
