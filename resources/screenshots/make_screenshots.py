"""Draw every screen of the window, in both themes, without a person and without a screen.

    python resources/screenshots/make_screenshots.py FOLDER [--data DATA] [--only read] [--themes dark]

DATA is the folder of real images that lies beside a development checkout (see ``resources/screenshots/LICENCES.md``);
without it the demo's photograph and generated pictures stand in. Runs without a screen; with ``QT_QPA_PLATFORM=xcb``
under Xvfb it draws on a real X server. Look at every picture afterwards: that is what this is for.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import nibabel
import numpy as np
from PySide6.QtCore import QEventLoop, QPoint, Qt, QTimer
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QMenu, QWidget

from medtransfer import logs
from medtransfer.cohort import phantom
from medtransfer.gui import theme
from medtransfer.gui.app import make_context
from medtransfer.gui.collector import Collector
from medtransfer.gui.context import Space
from medtransfer.gui.learn.space import LearnSpace
from medtransfer.gui.models.space import ModelsSpace
from medtransfer.gui.plugins.space import PluginsSpace
from medtransfer.gui.read.space import ReadSpace
from medtransfer.gui.spaces import Deferred
from medtransfer.gui.window import MainWindow
from medtransfer.resources import resource
from medtransfer.store.home import Home

SIZE = (1440, 900)
PATIENCE_S = 600.0
PLUGINS = Path(__file__).resolve().parents[2] / "tests" / "plugins"
FUNDUS = "medtransfer.fundus-trio"


_S = TypeVar("_S", bound=Space)


def wait(milliseconds: int) -> None:
    """Let the event loop and every other thread run."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


class Studio:
    """A window on a store of its own, and the means to wait for it and to draw it."""

    def __init__(self, app: QApplication, out: Path, home: Path, themes: Sequence[str]) -> None:
        self._app = app
        self._out = out
        self._themes = themes
        self.folder = home.parent
        self.context = make_context(Home.locate(home).prepare())
        self.context.settings.set("theme", "dark")
        logs.configure(self.context.home.logs)
        self._made: dict[str, Space] = {}
        kinds: tuple[type[Space], ...] = (ReadSpace, LearnSpace, ModelsSpace, PluginsSpace)
        self.window = MainWindow(self.context, [Deferred(kind.id, kind.title, self._maker(kind)) for kind in kinds])
        Collector(self.window).start()
        self.window.resize(*SIZE)
        self.window.show()
        self.read = self.go(ReadSpace)

    def go(self, kind: type[_S]) -> _S:
        """Show a space, let it come to rest, and return it."""
        self.window.show_space(kind.id)
        self.rest()
        return cast("_S", self._made[kind.id])

    def until(self, true: Callable[[], object]) -> None:
        """Let the window live until something is so."""
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            if time.monotonic() > deadline:
                raise TimeoutError("a screen did not come to be")
            wait(20)

    def rest(self) -> None:
        """Wait until nothing runs any more and everything is painted."""
        for _ in range(2):
            self.until(lambda: not self.context.background.running())
            wait(60)

    def open(self, *paths: Path) -> None:
        """Open files in the reading space."""
        self.window.open_paths(paths)
        self.until(lambda: self.read.studies.rowCount() > 0)
        self.rest()

    def shoot(self, name: str, *, rest: bool = True) -> None:
        """Draw what is on the screen in every theme."""
        for chosen in self._themes:
            self.context.settings.set("theme", chosen)
            if rest:
                self.rest()
            wait(60)
            path = self._out / f"{name}-{chosen}.png"
            self._picture().save(str(path))
            print(path)

    def close_dialogs(self) -> None:
        """Close everything that lies over the window."""
        for widget in self._app.topLevelWidgets():
            if widget is not self.window and widget.isVisible():
                widget.close()
        wait(30)

    def _maker(self, kind: type[Space]) -> Callable[[], Space]:
        return lambda: self._made.setdefault(kind.id, kind(self.context))  # type: ignore[call-arg]

    def _picture(self) -> QPixmap:
        """Return the window with the dialogs and menus that lie over it."""
        whole = self.window.grab()
        painter = QPainter(whole)
        for widget in self._app.topLevelWidgets():
            if widget is not self.window and widget.isVisible():
                painter.drawPixmap(self._place(widget), widget.grab())
        painter.end()
        return whole

    def _place(self, widget: QWidget) -> QPoint:
        if isinstance(widget, QDialog):
            return (self.window.rect().center() - widget.rect().center()) if widget.isWindow() else QPoint()
        return widget.mapToGlobal(QPoint()) - self.window.mapToGlobal(QPoint())


class Pictures:
    """What is photographed: real images where they are, others elsewhere."""

    def __init__(self, data: Path | None, folder: Path) -> None:
        self._data = data
        self._folder = folder

    def fundus(self) -> list[Path]:
        """Return photographs that the starter model never saw in training, the one that is shown first."""
        real = self._real("fundus/idrid/images/IDRiD_003.jpg", "fundus/idrid/images/IDRiD_165.jpg")
        return [*real, resource("demo/retina.jpg")]

    def chest(self) -> list[Path]:
        """Return a chest radiograph, if there is one."""
        return self._real("dicom/chest-cr/cr_monochrome2.dcm")

    def ct(self) -> Path:
        """Return a CT, or a block with a bone in it."""
        real = self._real("ct/ct_a.nii.gz")
        if real:
            return real[0]
        values = np.full((96, 96, 60), -1000, np.int16)
        values[12:84, 12:84, 4:56] = 40
        values[40:56, 40:56, 8:52] = 700
        path = self._folder / "block.nii.gz"
        nibabel.save(nibabel.Nifti1Image(values, np.diag([2.0, 2.0, 3.0, 1.0])), path)
        return path

    def cohort(self) -> Path:
        """Return a table of labelled photographs."""
        real = self._real("fundus/idrid/labels.csv")
        return real[0] if real else self.phantoms()

    def phantoms(self) -> Path:
        """Return a table of generated photographs."""
        return phantom.write_cohort(self._folder / "clinic", 160, seed=5)

    def broken_cohort(self) -> Path:
        """Return a table with cases that cannot be learnt from."""
        table = phantom.write_cohort(self._folder / "unsorted", 120, seed=6)
        pictures = sorted(table.parent.rglob("*.png")) or sorted(table.parent.rglob("*.jpg"))
        pictures[3].write_bytes(b"no picture")
        lines = table.read_text(encoding="utf-8").splitlines()
        table.write_text("\n".join([*lines, lines[7]]) + "\n", encoding="utf-8")
        return table

    def _real(self, *names: str) -> list[Path]:
        found = [self._data / name for name in names] if self._data else []
        return [path for path in found if path.exists()]


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
    broken = studio.folder / "letter.dcm"
    broken.write_bytes(b"Dear colleague,")
    studio.open(broken, studio.folder / "moved-away.png")
    studio.shoot("read-trouble")
    studio.context.commands.run("read.remove_all")


def learning(studio: Studio, pictures: Pictures) -> None:
    """Draw the learning space from the first page to the published model."""
    space = studio.go(LearnSpace)
    plugins = space.data.plugins
    studio.until(lambda: plugins.count() > 0)
    plugins.setCurrentIndex(max(plugins.findData(FUNDUS), 0))
    studio.shoot("learn-start")
    space.data.choose(pictures.broken_cohort())
    studio.until(lambda: space.data.examination is not None)
    studio.shoot("learn-checks")
    space.data.choose(pictures.cohort())
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
    space = studio.go(PluginsSpace)
    studio.until(lambda: bool(space.list.entries))
    keys = {entry.detail.split()[-1]: entry.key for entry in space.list.entries}
    space.show_plugin(keys[FUNDUS])
    studio.shoot("plugins")
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


SCENES = {"read": reading, "learn": learning, "models": models, "plugins": plugins, "frame": frame}


def main() -> None:
    """Draw what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", nargs="*", choices=SCENES, default=list(SCENES))
    parser.add_argument("--themes", nargs="*", choices=theme.NAMES, default=list(theme.NAMES))
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    os.environ["MEDTRANSFER_PLUGIN_PATH"] = os.pathsep.join(str(PLUGINS / name) for name in ("labelmap", "trouble"))
    app = QApplication(sys.argv[:1])
    theme.apply(app, "dark")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        studio = Studio(app, asked.folder, folder / "home", asked.themes)
        for name in asked.only:
            SCENES[name](studio, Pictures(asked.data, folder))
        studio.window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, on=False)
        studio.read.close()


if __name__ == "__main__":
    main()
