"""Before a pretraining: which images without answers to learn, how thoroughly, and under which name."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QComboBox, QFileDialog, QLineEdit

from medtransfer.cohort import unlabelled
from medtransfer.contract.pretraining import PretrainRecipe
from medtransfer.contract.settings import PRESETS
from medtransfer.errors import MedTransferError
from medtransfer.gui import pages, parts, theme
from medtransfer.gui.background import Job
from medtransfer.gui.context import Context
from medtransfer.gui.learn.recipe import PresetCard
from medtransfer.hosting.catalogue import PluginEntry
from medtransfer.work import learners
from medtransfer.work.pretrain import PretrainWish
from medtransfer.work.report.numbers import counted

USUAL = "quick"
PURPOSE = (
    "The network learns what your images look like by filling in patches that were hidden from it. It needs no "
    "answers, and as many images as you have. A training then starts from it, with the few cases whose answers are "
    "known."
)
KEPT_APART = (
    "If patients of a later test are among these images, the network has seen their images, though not their answers: "
    "keep them in another folder where that matters."
)


class ImagesPage(pages.Page):
    """The page. ``started`` and ``back`` say what the person chose to do; :attr:`wish` is what they want."""

    started = Signal()
    back = Signal()

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._data: Path | None = None
        self.cards: dict[str, PresetCard] = {}
        self._group = QButtonGroup(self)
        self.body.addWidget(parts.title("Let the network learn your images first"))
        self.body.addWidget(parts.label(PURPOSE, "muted"))
        for name in PRESETS:
            card = PresetCard(name, PretrainRecipe.preset(name).description)
            card.time.hide()
            self.cards[name] = card
            self._group.addButton(card.radio)
            self.body.addWidget(card)
        self.cards[USUAL].radio.setChecked(True)
        self.body.addWidget(parts.label(KEPT_APART, "muted", theme.SMALL_SIZE))
        self.plugins = QComboBox()
        self.plugins.setAccessibleName("Plug-in whose network learns the images")
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the pretraining")
        self.name.setMaxLength(80)
        self.name.textChanged.connect(self._update)
        self._found = parts.label("None chosen yet.", "muted")
        self._trouble = parts.label("", "danger", theme.SMALL_SIZE)
        self.start = parts.button("Start pretraining", self.started.emit, "primary")
        self._ready = False
        self._fill_side()
        self._update()

    @property
    def wish(self) -> PretrainWish | None:
        """What the person wants, once images are chosen."""
        if self._data is None:
            return None
        recipe = next(name for name, card in self.cards.items() if card.radio.isChecked())
        return PretrainWish(str(self.plugins.currentData()), self._data, recipe, self.name.text().strip())

    def show_plugins(self, found: list[PluginEntry]) -> None:
        """Offer the plug-ins that learn without answers."""
        chosen = self.plugins.currentData()
        self.plugins.clear()
        for entry in found:
            if entry.manifest is not None:
                self.plugins.addItem(entry.manifest.name, entry.id)
        self.plugins.setCurrentIndex(max(self.plugins.findData(chosen), 0))
        self._update()

    def ask(self) -> None:
        """Ask for a folder by the system's dialog."""
        chosen = QFileDialog.getExistingDirectory(self, "Folder of images without answers")
        if chosen:
            self.choose(Path(chosen))

    def choose(self, path: Path) -> None:
        """Count the images of a folder, or of a table."""
        self._data, self._ready = path, False
        self.name.setText(learners.suggested_name(path))
        self._found.setText(f"{path.name}: looking for images\u2026")
        self._trouble.setText("")
        self._update()

        def work(_job: Job) -> int:
            return len(unlabelled.read(path).cases)

        self._context.background.run(
            "Looking for images", work, lambda count: self._show(path, count), lambda e: self._refuse(path, e)
        )

    def _fill_side(self) -> None:
        self.side.addWidget(parts.heading("Images"))
        self.side.addWidget(self._found)
        self.side.addWidget(parts.button("Choose a folder\u2026", self.ask))
        self.side.addSpacing(theme.spacing(1))
        self.side.addWidget(parts.heading("Network of"))
        self.side.addWidget(self.plugins)
        self.side.addWidget(parts.heading("Name"))
        self.side.addWidget(self.name)
        self.side.addWidget(self._trouble)
        self.side.addSpacing(theme.spacing(1))
        self.side.addWidget(self.start)
        self.side.addWidget(parts.button("Back", self.back.emit))
        self.side.addStretch(1)

    def _show(self, path: Path, count: int) -> None:
        if path == self._data:
            self._ready = True
            self._found.setText(f"{path.name}: {counted(count, 'image')}. Each is opened before the network begins.")
            self._update()
            if self.start.isEnabled():
                self.start.setFocus()

    def _refuse(self, path: Path, error: MedTransferError) -> None:
        if path == self._data:
            self._found.setText(path.name)
            self._trouble.setText(f"{error.message[:1].upper()}{error.message[1:]}. {error.hint}")
            self._update()

    def _update(self) -> None:
        self._trouble.setVisible(bool(self._trouble.text()))
        self.start.setEnabled(self._ready and bool(self.name.text().strip()) and self.plugins.count() > 0)
