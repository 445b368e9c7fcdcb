"""Cases of several volumes on the host's side: named one by one, analysed together, refused where one is missing."""

from __future__ import annotations

import os
from pathlib import Path

import nibabel
import numpy as np
import pytest

from medtransfer.contract.bundle import CARD, ModelBundle
from medtransfer.contract.plan import VolumePlan
from medtransfer.errors import DataError, UserError
from medtransfer.store import models
from medtransfer.store.home import Home
from medtransfer.study.companions import joined
from medtransfer.work import inputs, planning
from medtransfer.work.analyse import analyse, analyse_image
from medtransfer.work.analyser import Options
from medtransfer.work.batch import batch
from medtransfer.work.planning import Wish
from medtransfer.work.rerun import rerun
from medtransfer.work.session import Session
from tests.conftest import PLUGINS, ROOT, TableMaker
from tests.transfer.small_volumes import write_pairs

OPTIONS = Options("test.labelmap", model="pair", modality="CT")
PLAN = VolumePlan(spacing=(2.0, 2.0, 2.0), patch=(8, 8, 8), pools=(), further=(None,))
AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


@pytest.fixture
def session(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Session:
    """A store with a model that takes two volumes of a case."""
    monkeypatch.setenv("MEDTRANSFER_PLUGIN_PATH", str(PLUGINS / "labelmap"))
    card = ModelBundle.open(PLUGINS / "labelmap" / "model").card.model_copy(update={"preprocessing": PLAN, "files": {}})
    (tmp_path / "pair").mkdir()
    (tmp_path / "pair" / CARD).write_text(card.model_dump_json(), encoding="utf-8")
    models.publish(home.prepare(), tmp_path / "pair", "pair")
    return Session(home)


@pytest.fixture
def case(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "first.nii", tmp_path / "second.nii"
    for number, path in enumerate(paths, start=1):
        write(path, number)
    return paths


def write(path: Path, seed: int, shape: tuple[int, ...] = (6, 5, 4)) -> Path:
    values = np.random.default_rng(seed).integers(-1000, 1000, shape).astype(np.int16)
    values.flat[0] = 1000 * seed
    nibabel.save(nibabel.Nifti1Image(values, AFFINE), path)  # type: ignore[no-untyped-call]
    return path


def test_the_volumes_of_a_case_are_analysed_together_and_rerun(
    session: Session, case: tuple[Path, Path], tmp_path: Path
) -> None:
    with session:
        (done,) = analyse(session, case, OPTIONS, tmp_path / "out").done
        assert rerun(session, tmp_path / "out").differences == ()
        with pytest.raises(DataError) as exchanged:
            rerun(session, tmp_path / "out", list(reversed(case)))
    assert exchanged.value.code == "rerun.input-changed"
    assert [notice.message for notice in done.result.notices if notice.code == "labelmap.companion"] == [
        "Largest value 2000."
    ]
    assert (done.result.source.names, done.result.source.companions) == (("first.nii",), ("second.nii",))


@pytest.mark.parametrize("given", [0, 2])
def test_a_missing_or_superfluous_volume_is_refused_before_a_worker_starts(
    session: Session, case: tuple[Path, Path], tmp_path: Path, given: int
) -> None:
    with session, pytest.raises(UserError) as caught:
        analyse(session, [case[0], *[case[1]] * given], OPTIONS, tmp_path / "out")
    assert caught.value.code == "input.volumes"
    assert caught.value.message == f"the model takes 2 volumes of a case, and was given {1 + given}"
    assert "image, image_2" in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_one_image_of_the_window_is_refused_with_the_way_to_do_it(session: Session, case: tuple[Path, Path]) -> None:
    image = inputs.series_of(inputs.scan([case[0]]), "CT")[0].image()
    with session, pytest.raises(UserError) as caught:
        analyse_image(session, image, ("first.nii",), [case[0]], OPTIONS)
    assert caught.value.code == "input.volumes"
    assert "command line" in caught.value.hint
    with session:
        done = analyse_image(session, joined([image, image]), ("first.nii",), [case[0]], OPTIONS)
    assert any(notice.code == "labelmap.companion" for notice in done.result.notices)


def test_a_path_with_several_series_and_volumes_on_two_grids_are_refused(
    session: Session, case: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "both").mkdir()
    for number in (1, 2):
        write(tmp_path / "both" / f"{number}.nii", number)
    other = write(tmp_path / "other.nii", 3, (6, 5, 3))
    with session:
        with pytest.raises(DataError) as several:
            analyse(session, [case[0], tmp_path / "both"], OPTIONS, tmp_path / "out")
        with pytest.raises(DataError) as elsewhere:
            analyse(session, [case[0], other], OPTIONS, tmp_path / "out")
    assert several.value.code == "input.several-series"
    assert several.value.message.startswith("where volume 2 of the case is expected there are 2 series")
    assert elsewhere.value.code == "volume.other-grid"


def test_a_batch_cannot_know_which_files_belong_together(session: Session, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with session, pytest.raises(UserError) as caught:
        batch(session, tmp_path / "in", OPTIONS, tmp_path / "out")
    assert caught.value.code == "batch.volumes"


def test_a_table_of_several_volumes_needs_a_plug_in_that_takes_them(
    home: Home, tmp_path: Path, make_table: TableMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = make_table(tmp_path / "pictures")
    lines = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([f"{lines[0]},image_2", *(f"{line},0.png" for line in lines[1:])]), encoding="utf-8")
    folders = (PLUGINS / "echo", ROOT / "plugins" / "stunet")
    monkeypatch.setenv("MEDTRANSFER_PLUGIN_PATH", os.pathsep.join(map(str, folders)))
    with Session(home.prepare()) as session:
        with pytest.raises(DataError) as caught:
            planning.examine(session, Wish("test.echo", table))
        assert caught.value.code == "cohort.several-images"
        wish = Wish("medtransfer.stunet", write_pairs(tmp_path / "pairs"), recipe="quick")
        examination = planning.examine(session, wish)
    assert examination.errors == ()
    assert all(len(each.further) == 1 for each in examination.cohort.cases)
