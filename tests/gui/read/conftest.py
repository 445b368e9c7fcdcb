"""A reading space in a window, with a model for the echo plug-in and the plug-in that segments."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from medtransfer.gui.context import Context
from medtransfer.gui.read.space import ReadSpace, pieces
from medtransfer.gui.window import MainWindow
from medtransfer.work import models

BundleMaker = Callable[..., Path]
PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
PATIENCE_MS = 60_000


@dataclass(frozen=True)
class Reader:
    """The space under test, and how to wait for what it does in the background."""

    window: MainWindow
    context: Context
    space: ReadSpace
    qtbot: QtBot

    def until(self, true: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(true, timeout=PATIENCE_MS)

    def open(self, *paths: Path) -> None:
        """Open files, and wait until the first is on the screen and everything else has come to rest."""
        self.window.open_paths(paths)
        self.until(lambda: self.space.reading.image is not None or self.space.studies.rowCount() > 0)
        self.rest()

    def rest(self) -> None:
        """Wait until nothing runs any more and its signals have arrived."""
        self.until(lambda: not self.context.background.running())
        self.qtbot.wait(30)
        self.until(lambda: not self.context.background.running())

    def analyse(self) -> None:
        """Press the button and wait for the answer."""
        self.space.analyse_panel.analyse.click()
        self.until(lambda: self.space.reading.shown is not None)
        self.rest()


def built(context: Context) -> ReadSpace:
    """Build the reading space at one go."""
    building = pieces(context)
    while True:
        try:
            next(building)
        except StopIteration as end:
            space: ReadSpace = end.value
            return space


@pytest.fixture
def reader(
    context: Context,
    make_window: Callable[..., MainWindow],
    make_bundle: BundleMaker,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Reader]:
    names = ("echo", "trouble", "labelmap")
    monkeypatch.setenv("MEDTRANSFER_PLUGIN_PATH", os.pathsep.join(str(PLUGINS / name) for name in names))
    models.import_bundle(context.home, make_bundle("test.echo"), "clinic")
    space = built(context)
    window = make_window([space])
    window.show_space("read")
    made = Reader(window, context, space, qtbot)
    yield made
    for job in context.background.running():
        job.cancel()
    made.until(lambda: not context.background.running())
    qtbot.wait(30)
    space.close()


@pytest.fixture
def ct_file(tmp_path: Path) -> Path:
    """A volume of 8 x 24 x 32 voxels: air, a block of soft tissue in it, a bone in that."""
    values = np.full((32, 24, 8), -1000, np.int16)
    values[4:28, 4:20, 1:7] = 40
    values[14:18, 10:14, 3:5] = 700
    path = tmp_path / "block.nii.gz"
    nibabel.save(nibabel.Nifti1Image(values, np.diag([1.0, 1.0, 5.0, 1.0])), path)  # type: ignore[no-untyped-call]
    return path
