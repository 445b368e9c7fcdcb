"""A volume that is segmented tile by tile: the window tells the tiles, and a stop takes hold at the next."""

from __future__ import annotations

import re
from pathlib import Path

import medtransfer_stunet
import nibabel
import numpy as np
import pytest
from PySide6.QtCore import Qt

from medtransfer.gui.background import Job, State
from tests.gui.read.conftest import Reader

GOLDEN = Path(medtransfer_stunet.__file__).parent / "golden" / "ct.nii.gz"
TILE = re.compile(r"tile (\d+) of (\d+)")


@pytest.fixture
def trunk(tmp_path: Path) -> Path:
    """Forty slices of the CT that comes with the plug-in: a few tiles."""
    whole = nibabel.Nifti1Image.from_filename(GOLDEN)
    values = np.asarray(whole.dataobj)[:, :, :40]
    nibabel.save(nibabel.Nifti1Image(values, whole.affine), tmp_path / "trunk.nii.gz")  # type: ignore[no-untyped-call]
    return tmp_path / "trunk.nii.gz"


def test_tiles_are_told_and_a_stop_takes_hold_at_the_next(reader: Reader, trunk: Path) -> None:
    reader.open(trunk)
    reader.context.commands.run("read.state.CT")
    reader.rest()
    panel = reader.space.analyse_panel
    panel.plugin.setCurrentIndex(panel.plugin.findData("medtransfer.stunet"))
    jobs: list[Job] = []
    told: list[list[tuple[int, int]]] = []

    def follow(job: Job) -> None:
        if job.title == "Analysing":
            jobs.append(job)
            told.append([])
            job.progressed.connect(lambda stage, _share, _figures: note(stage))

    def note(stage: str) -> None:
        found = TILE.fullmatch(stage)
        if found:
            told[-1].append((int(found[1]), int(found[2])))

    reader.context.background.started.connect(follow)
    panel.analyse.click()
    reader.until(lambda: bool(told and told[0]))
    reader.until(lambda: panel.waiting.isVisible() and panel.waiting.stage.text().startswith("Tile "))
    assert "of" in panel.waiting.bar.accessibleDescription()
    reader.qtbot.mouseClick(panel.waiting.stop, Qt.MouseButton.LeftButton)
    reader.until(lambda: not reader.space.reading.busy)
    last, tiles = told[0][-1]
    assert last < tiles
    assert jobs[0].state is State.STOPPED
    assert reader.space.reading.shown is None
    assert panel.trouble.isHidden()

    reader.analyse()
    numbers = [number for number, of in told[1] if of == tiles]
    assert len(numbers) == len(told[1]) > 1
    assert numbers == sorted(set(numbers))  # the worker leaves out what a newer one replaces
    assert jobs[1].state is State.DONE
