"""The screens, each brought about as a person would."""

from __future__ import annotations

import os
from pathlib import Path

from comparing import comparing
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from studio import SIZE, Studio, wait
from subjects import Pictures

from medtransfer.gui.learn.space import LearnSpace
from medtransfer.gui.models.space import ModelsSpace
from medtransfer.gui.plugins.space import PluginsSpace
from medtransfer.gui.read.space import ReadSpace

PLUGINS = Path(__file__).resolve().parents[2] / "tests" / "plugins"
FUNDUS = "medtransfer.fundus-trio"
STUNET = "medtransfer.stunet"
THORAX = "medtransfer.thorax-mae"
LONG_S = 1800.0
"""A pretraining takes minutes, more on a busy machine."""
TROUBLE = "test.trouble"
BROKEN = 'manifest = 1\nid = "clinic.bone-age"\nname = "Bone age"\n'


def reading(studio: Studio, pictures: Pictures) -> None:
    """Draw the reading space: nothing open, photographs, a radiograph, a CT, and what can go wrong."""
    studio.shoot("read-empty")
    studio.window.show_welcome()
    studio.shoot("read-welcome")
    studio.go(ReadSpace)
    panel = studio.read.analyse_panel
    studio.open(*pictures.fundus())
    studio.shoot("read-opened")
    panel.analyse.click()
    wait(1500)
    studio.shoot("read-analysing", rest=False)
    studio.until(lambda: studio.read.reading.shown is not None)
    studio.rest()
    studio.read.result_panel.verdict.press("right")
    studio.shoot("read-fundus")
    panel.others.click()
    studio.context.commands.run("read.layout.1x2")
    studio.shoot("read-two-views")
    studio.context.commands.run("read.layout.1")
    panel.card.click()
    studio.shoot("read-card")
    studio.close_dialogs()
    studio.context.commands.run("read.remove_all")
    if pictures.chest():
        studio.open(*pictures.chest())
        studio.shoot("read-chest")
    studio.open(pictures.ct())
    studio.context.commands.run("read.next")
    studio.rest()
    studio.context.commands.run("read.layout.2x2")
    panel.analyse.click()
    studio.until(lambda: studio.read.reading.shown is not None)
    studio.rest()
    studio.read.viewer.grid.set_window(40.0, 400.0)
    structures = studio.read.result_panel.structures.view
    for row in range(2):  # soft tissue and air would hide everything
        structures.setCurrentIndex(structures.model().index(row, 0))
        QTest.keyClick(structures, Qt.Key.Key_Space)
    studio.shoot("read-ct")
    studio.read.viewer.toolbar.outline_button.click()
    studio.shoot("read-ct-outline")
    studio.read.viewer.toolbar.outline_button.click()
    studio.context.commands.run("read.layout.1")
    studio.context.commands.run("read.remove_all")


def segmenting(studio: Studio, pictures: Pictures) -> None:
    """Draw a CT that the starter segmented, and why it found one of the structures."""
    run, panel, found = studio.context.commands.run, studio.read.analyse_panel, studio.read.result_panel
    studio.go(ReadSpace)
    studio.open(pictures.ct())
    run("read.state.CT")
    studio.rest()
    run("read.layout.2x2")
    studio.until(lambda: panel.plugin.findData(STUNET) >= 0)
    panel.plugin.setCurrentIndex(panel.plugin.findData(STUNET))
    panel.analyse.click()
    studio.until(lambda: studio.read.reading.shown is not None)
    studio.rest()
    studio.read.viewer.grid.set_window(40.0, 400.0)
    studio.shoot("read-segmented")
    found.structures.select("urinary_bladder")
    found.structures.view.activated.emit(found.structures.view.currentIndex())
    found.heatmaps.ask.click()
    studio.until(lambda: found.heatmap is not None)
    studio.rest()
    found.structures.hide_all()
    studio.shoot("read-structure-explained")
    run("read.layout.1")
    run("read.remove_all")


def chest(studio: Studio, pictures: Pictures) -> None:
    """Draw what the starter finds in a radiograph, why, and how far its maps may be believed."""
    if not pictures.radiograph():
        return
    panel, found = studio.read.analyse_panel, studio.read.result_panel
    studio.go(ReadSpace)
    studio.open(*pictures.radiograph())
    studio.until(lambda: panel.plugin.findData(THORAX) >= 0)
    panel.plugin.setCurrentIndex(panel.plugin.findData(THORAX))
    panel.analyse.click()
    studio.until(lambda: studio.read.reading.shown is not None)
    studio.rest()
    if found.heatmap is None:
        found.heatmaps.ask.click()
        studio.rest()
    studio.shoot("read-chest-findings")
    found.heatmaps.how.setCurrentIndex(1)
    found.heatmaps.how.activated.emit(1)
    studio.until(lambda: found.heatmap is not None and found.heatmap.info.method == "Attention rollout")
    studio.shoot("read-chest-rollout")
    studio.context.commands.run("read.remove_all")


def trouble(studio: Studio, pictures: Pictures) -> None:
    """Draw what can go wrong while reading: files that cannot be read, are incomplete or gone, and a dead worker."""
    _add_plugin(studio, PLUGINS / "trouble")
    run = studio.context.commands.run
    broken = studio.folder / "letter.dcm"
    broken.write_bytes(b"Dear colleague,")
    studio.go(ReadSpace)
    studio.open(broken, studio.folder / "moved-away.png")
    studio.shoot("trouble-unreadable")
    run("read.remove_all")
    studio.open(pictures.gapped())
    studio.shoot("trouble-checks")
    run("read.remove_all")
    fleeting = pictures.fleeting()
    studio.open(fleeting)
    fleeting.unlink()
    wait(500)
    studio.shoot("trouble-deleted")
    run("read.remove_all")
    _teach_trouble(studio, pictures)
    studio.go(ReadSpace)
    studio.open(pictures.white())
    panel = studio.read.analyse_panel
    studio.until(lambda: panel.plugin.findData(TROUBLE) >= 0)
    panel.plugin.setCurrentIndex(panel.plugin.findData(TROUBLE))
    panel.analyse.click()
    wait(300)
    studio.shoot("trouble-worker")
    run("read.remove_all")
    studio.window.open_paths([pictures.many()])
    wait(150)
    studio.shoot("read-loading", rest=False)
    studio.rest()
    run("read.remove_all")


def _add_plugin(studio: Studio, folder: Path) -> None:
    """Have the plug-in of a folder found as well."""
    os.environ["MEDTRANSFER_PLUGIN_PATH"] += f"{os.pathsep}{folder}"
    studio.context.events.plugins_changed.emit()


def _teach_trouble(studio: Studio, pictures: Pictures) -> None:
    """Have the plug-in for trouble learn: first on a full disk, then well, so that it has a model."""
    space = studio.go(LearnSpace)
    plugins = space.data.plugins
    studio.until(lambda: plugins.findData(TROUBLE) >= 0)
    table = pictures.bright_or_dark()
    os.environ["TROUBLE_FULL_DISK"] = "1"
    space.new()
    plugins.setCurrentIndex(plugins.findData(TROUBLE))
    space.data.choose(table)
    studio.until(space.data.go_on.isEnabled)
    space.data.go_on.click()
    studio.rest()
    space.recipe.start.click()
    studio.until(space.training.resume.isVisible)
    studio.shoot("trouble-disk")
    del os.environ["TROUBLE_FULL_DISK"]
    space.training.resume.click()
    studio.until(lambda: space.stack.currentWidget() is space.report)
    studio.shoot("learn-no-evaluation")
    space.report.publish.click()
    studio.rest()


def learning(studio: Studio, pictures: Pictures) -> None:
    """Draw the learning space from the first page to the published model."""
    space = studio.go(LearnSpace)
    space.new()
    plugins = space.data.plugins
    studio.until(lambda: plugins.count() > 0)
    plugins.setCurrentIndex(max(plugins.findData(FUNDUS), 0))
    studio.shoot("learn-start")
    space.data.choose(studio.folder / "nowhere.csv")
    studio.rest()
    studio.shoot("learn-missing")
    space.data.choose(pictures.broken_cohort())
    studio.until(lambda: space.data.examination is not None)
    studio.shoot("learn-checks")
    space.data.choose(pictures.rare_cohort())
    studio.until(lambda: space.data.examination is not None)
    studio.shoot("learn-findings")
    for row in range(3):
        space.data.cases.findings.setCurrentIndex(space.data.cases.findings.model().index(row, 0))
        QTest.keyClick(space.data.cases.findings, Qt.Key.Key_Space)
    studio.shoot("learn-nothing")
    space.data.choose(pictures.cohort())
    wait(500)
    studio.shoot("learn-looking", rest=False)
    studio.until(lambda: space.data.examination is not None)
    studio.shoot("learn-data")
    space.data.go_on.click()
    studio.rest()
    studio.shoot("learn-recipe")
    space.recipe.cards["quick"].radio.setChecked(True)
    space.recipe.start.click()
    studio.until(lambda: len(space.training.curves.plots) > 0)
    studio.until(lambda: space.training.bar.value() > 600 or space.stack.currentWidget() is space.report)
    studio.shoot("learn-training", rest=False)
    studio.context.commands.run("window.jobs")
    studio.shoot("window-jobs-running", rest=False)
    studio.context.commands.run("window.jobs")
    if space.stack.currentWidget() is space.training:
        space.training.stop.click()
        studio.until(lambda: space.training.resume.isVisible() or space.stack.currentWidget() is space.report)
        studio.shoot("learn-paused")
        space.training.resume.click()
    studio.until(lambda: space.stack.currentWidget() is space.report)
    studio.shoot("learn")
    space.report.publish.click()
    studio.rest()
    studio.shoot("learn-published")


def pretraining(studio: Studio, pictures: Pictures) -> None:
    """Draw a network that learns radiographs without answers, and the training that starts from it."""
    space = studio.go(LearnSpace)
    flow = space.before
    studio.until(lambda: flow.images.plugins.findData(THORAX) >= 0)
    flow.new()
    flow.images.choose(pictures.radiographs())
    flow.images.plugins.setCurrentIndex(flow.images.plugins.findData(THORAX))
    flow.images.name.setText("our radiographs")
    studio.until(flow.images.start.isEnabled)
    studio.shoot("learn-images")
    flow.images.start.click()
    studio.until(lambda: flow.page.sheet.file is not None and flow.page.bar.value() > 750, LONG_S)
    studio.shoot("learn-pretraining", rest=False)
    studio.until(flow.page.use.isVisible, LONG_S)
    studio.shoot("learn-pretrained")
    flow.page.use.click()
    studio.rest()
    studio.shoot("learn-from-pretrained")


def models(studio: Studio, _pictures: Pictures) -> None:
    """Draw the space of models."""
    space = studio.go(ModelsSpace)
    studio.until(lambda: bool(space.list.entries))
    space.show_model(space.list.entries[0].key)
    studio.shoot("models")
    if len(space.list.entries) > 1:
        space.comparer.second.setCurrentIndex(1)
        space.comparer.compare()
        studio.shoot("models-compare")


def plugins(studio: Studio, _pictures: Pictures) -> None:
    """Draw the space of plug-ins: one that works, one that does not, and the question before an installation."""
    broken = studio.folder / "bone-age"
    broken.mkdir()
    (broken / "medtransfer-plugin.toml").write_text(BROKEN, encoding="utf-8")
    _add_plugin(studio, broken)
    space = studio.go(PluginsSpace)
    studio.until(lambda: bool(space.list.entries))
    keys = {entry.detail.split()[-1]: entry.key for entry in space.list.entries}
    space.show_plugin(keys[FUNDUS])
    studio.shoot("plugins")
    space.show_plugin(next(key for key in keys.values() if "bone-age" in key))
    studio.shoot("plugins-broken")
    space.inspect(PLUGINS / "echo")
    studio.until(lambda: space.stack.currentWidget() is space.consent)
    studio.shoot("plugins-consent")


def frame(studio: Studio, pictures: Pictures) -> None:
    """Draw what belongs to the window itself."""
    studio.go(ReadSpace)
    studio.open(*pictures.fundus())
    run = studio.context.commands.run
    for command in ("settings", "shortcuts", "about", "diagnostics"):
        run(f"window.{command}")
        studio.shoot(f"window-{command}")
        studio.close_dialogs()
    for command in ("jobs", "log"):
        run(f"window.{command}")
        studio.shoot(f"window-{command}")
        run(f"window.{command}")
    run("window.search")
    studio.shoot("window-search-empty")
    QTest.keyClicks(studio.window.search, "open")
    studio.shoot("window-search")
    QTest.keyClick(studio.window.search, Qt.Key.Key_Escape)
    studio.window.search.clear()
    studio.close_dialogs()
    studio.window.top_bar.open_menu()
    studio.shoot("window-menu", rest=False)
    for menu in studio.window.findChildren(QMenu):
        menu.close()
    studio.window.banners.add("The window ended without being closed. What was open is back.")
    studio.window.banners.add("A training is unfinished and can go on where it stopped.", "Go to Learn", lambda: None)
    studio.shoot("window-banners")
    studio.window.resize(960, 540)
    studio.shoot("window-narrow")
    studio.window.resize(studio.window.minimumSize())
    studio.shoot("window-smallest")
    studio.window.resize(*SIZE)


SCENES = {
    "read": reading,
    "segment": segmenting,
    "compare": comparing,
    "chest": chest,
    "trouble": trouble,
    "learn": learning,
    "pretrain": pretraining,
    "models": models,
    "plugins": plugins,
    "frame": frame,
}
