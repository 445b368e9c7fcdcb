"""A volume whose file does not say that it is a CT, from the refusal to the statement and the rerun."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from medtransfer.errors import DataError, UserError
from medtransfer.result import reading
from medtransfer.store.home import Home
from medtransfer.work.analyse import analyse
from medtransfer.work.analyser import Options
from medtransfer.work.batch import batch
from medtransfer.work.inspection import inspect
from medtransfer.work.opening import source_of
from medtransfer.work.rerun import rerun
from medtransfer.work.session import Session
from tests.conftest import PLUGINS
from tests.study.builders import nifti

OPTIONS = Options("test.labelmap", formats=("json",))
AS_CT = Options("test.labelmap", formats=("json",), modality="CT")


@pytest.fixture
def session(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session with a plug-in that takes CT and nothing else."""
    plugin = Path(shutil.copytree(PLUGINS / "labelmap", tmp_path / "plugin"))
    manifest = plugin / "medtransfer-plugin.toml"
    manifest.write_text(manifest.read_text().replace('["CT", "OT"]', '["CT"]'))
    monkeypatch.setenv("MEDTRANSFER_PLUGIN_PATH", str(plugin))
    return Session(home)


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    values = np.random.default_rng(0).choice([-1000, 40, 700], (8, 9, 10), p=[0.5, 0.4, 0.1]).astype(np.int16)
    (tmp_path / "in").mkdir()
    nifti.save(nifti.Nifti1Image(values, np.eye(4)), tmp_path / "in" / "a.nii.gz")
    return tmp_path / "in" / "a.nii.gz"


def test_without_a_statement_the_refusal_says_how_to_make_one(session: Session, volume: Path, tmp_path: Path) -> None:
    with session, pytest.raises(DataError, match="--modality CT"):
        analyse(session, [volume], OPTIONS, tmp_path / "out")


def test_a_stated_ct_is_analysed_recorded_and_repeated(session: Session, volume: Path, tmp_path: Path) -> None:
    with session:
        (done,) = analyse(session, [volume], AS_CT, tmp_path / "out").done
        assert done.result.source.modality == "CT"
        passport = reading.read(done.folder).passport
        assert passport.parameters["modality"] == "CT"
        assert rerun(session, done.folder).differences == ()


def test_the_source_of_a_result_is_what_it_was_stated_to_be(session: Session, volume: Path, tmp_path: Path) -> None:
    with session:
        (done,) = analyse(session, [volume], AS_CT, tmp_path / "out").done
        assert source_of(session.home, done.folder).modality == "CT"


def test_a_batch_takes_the_statement_for_all_and_does_not_mix(session: Session, volume: Path, tmp_path: Path) -> None:
    with session:
        assert batch(session, volume.parent, AS_CT, tmp_path / "out").done == 1
        with pytest.raises(UserError) as refused:
            batch(session, volume.parent, OPTIONS, tmp_path / "out")
    assert refused.value.code == "batch.other-settings"


def test_opening_shows_what_was_stated(volume: Path) -> None:
    (study,) = inspect([volume], "CT").studies
    (report,) = study.series
    assert (report.series.modality, report.geometry["units"]) == ("CT", "HU")
    assert "modality.stated" in {check.code for check in report.checks}
    with pytest.raises(UserError):
        inspect([volume], "PT")
