"""The screens of a trio: a finding beside its nearest confirmed cases, and what each part of the model said."""

from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QScrollArea, QWidget
from studio import Studio
from subjects import Pictures

from medtransfer.gui.learn.space import LearnSpace
from medtransfer.gui.read.space import ReadSpace
from medtransfer.work.learn import learn
from medtransfer.work.planning import Wish
from medtransfer.work.session import Session

PLUGIN = "medtransfer.fundus-trio"
MODEL = "our-trio"
MARGIN = 8
LABELS = ("dr", "dme")
SETTINGS: dict[str, str | int | float | bool] = {
    "ensemble": "trio", "trunk": "shared", "keep_pictures": True, "folds": 2, "views": 2, "epochs": 6,
}  # fmt: skip


def comparing(studio: Studio, pictures: Pictures) -> None:
    """Train a trio on all photographs but the ones shown, and draw what it found, compared with and voted."""
    wish = Wish(PLUGIN, pictures.others(), name=MODEL, labels=LABELS, settings=SETTINGS)
    with Session(studio.context.home) as session:
        learn(session, wish, studio.folder / MODEL)
    studio.context.events.models_changed.emit()
    studio.go(ReadSpace)
    studio.open(*pictures.fundus())
    panel, found = studio.read.analyse_panel, studio.read.result_panel
    panel.plugin.setCurrentIndex(panel.plugin.findData(PLUGIN))
    studio.rest()
    panel.model.setCurrentIndex(next(at for at in range(panel.model.count()) if MODEL in panel.model.itemText(at)))
    panel.analyse.click()
    studio.until(lambda: studio.read.reading.shown is not None)
    studio.rest()
    show(found)
    studio.shoot("compare")
    found.contributions.more.click()
    found.heatmaps.part_buttons.buttons()[-1].click()
    studio.rest()
    show(found)
    studio.shoot("compare-parts")
    studio.context.commands.run("read.remove_all")
    asking(studio, pictures)


def asking(studio: Studio, pictures: Pictures) -> None:
    """Draw what is asked before a trio is trained."""
    space = studio.go(LearnSpace)
    space.new()
    plugins = space.data.plugins
    studio.until(lambda: plugins.findData(PLUGIN) >= 0)
    plugins.setCurrentIndex(plugins.findData(PLUGIN))
    space.data.choose(pictures.others())
    studio.until(lambda: space.data.examination is not None)
    space.data.go_on.click()
    studio.until(space.recipe.trio.isVisible)
    space.recipe.trio.trio.click()
    studio.rest()
    studio.shoot("learn-trio")


def show(first: QWidget) -> None:
    """Scroll so that a widget is at the top of its panel."""
    area = first.parentWidget()
    while area is not None and not isinstance(area, QScrollArea):
        area = area.parentWidget()
    if isinstance(area, QScrollArea):
        above = first.mapTo(area.widget(), QPoint(0, 0)).y()
        area.verticalScrollBar().setValue(above - MARGIN)
