"""From a CT to the files of its segmentation."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medtransfer.errors import UserError
from medtransfer.result import reading, writing
from medtransfer.result.compare import differences
from medtransfer.result.importing import read_on
from medtransfer.result.model import SimilarCase, Structure
from medtransfer.store.home import Home
from medtransfer.study import scan
from medtransfer.work.analyse import analyse
from medtransfer.work.analyser import Options
from medtransfer.work.delivery import deliver, structures_csv
from medtransfer.work.session import Session
from tests.conftest import PLUGINS
from tests.result.results import result
from tests.study.builders import ct_slice, nifti, save

OPTIONS = Options("test.labelmap", formats=("json", "csv", "seg"))


@pytest.fixture
def session(home: Home, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setenv("MEDTRANSFER_PLUGIN_PATH", str(PLUGINS / "labelmap"))
    return Session(home.prepare())


def test_pictures_of_similar_cases_belong_to_the_result_and_those_of_heat_maps_do_not(tmp_path: Path) -> None:
    plain = result()
    key = f"{7:016x}"
    finding = plain.findings[0].model_copy(update={"similar": (SimilarCase(case=key, distance=0.5),)})
    picture = np.full((8, 8, 3), 90, np.uint8)
    writing.write(replace(plain, findings=(finding,), pictures={key: picture}), tmp_path / "made")
    made = reading.read(tmp_path / "made")
    deliver(tmp_path / "made", made, tmp_path / "out", ("json",))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "result.json", "heatmap-dr.npy", f"similar-{key}.png",
    }  # fmt: skip
    again = reading.read(tmp_path / "out")
    assert np.array_equal(again.pictures[key], picture)
    assert differences(made, again) == []


def test_a_segmented_ct_is_delivered_as_dicom_nifti_and_table(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "ct"
    folder.mkdir()
    rng = np.random.default_rng(5)
    for n in range(4):
        pixels = rng.integers(0, 2500, (12, 14)).astype(np.uint16)
        save(ct_slice(pixels, (0.0, 0.0, 2.0 * n), InstanceNumber=n), folder / f"{n}.dcm")
    out = tmp_path / "out"
    with session:
        (done,) = analyse(session, [folder], OPTIONS, out).done
    assert {path.name for path in out.iterdir()} == {
        "result.json",
        "segmentation.nii.gz",
        "segmentation.dcm",
        "structures.csv",
    }
    assert done.result.segmentation is not None
    rows = list(csv.DictReader((out / "structures.csv").read_text().splitlines()))
    assert [(row["label"], float(row["volume_ml"]), float(row["mean_hu"])) for row in rows] == [
        (s.label, s.volume_ml, s.mean_hu) for s in done.result.segmentation.structures
    ]
    found = scan([folder, out])
    image = found.studies[0].series[0].image()
    (annotation,) = found.annotations
    assert np.array_equal(read_on(annotation, image).segmentation.array, done.result.segmentation.array)


def test_the_table_says_where_each_structure_lies_and_how_its_values_spread() -> None:
    found = Structure(label="liver", name="Liver", value=1, volume_ml=2.5, sd_hu=12.5, box=((1, 2, 3), (4, 5, 6)))
    missed = Structure(label="spleen", name="Spleen", value=2, volume_ml=0.0)
    here, nowhere = csv.DictReader(structures_csv([found, missed]).splitlines())
    axes = ("first_z", "first_y", "first_x", "last_z", "last_y", "last_x")
    assert [here[axis] for axis in axes] == ["1", "2", "3", "4", "5", "6"]
    assert (here["mean_hu"], here["sd_hu"]) == ("", "12.5")
    assert [nowhere[column] for column in ("sd_hu", *axes)] == [""] * 7


def test_a_dicom_segmentation_of_a_nifti_is_refused_before_anything_runs(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "ct.nii.gz"
    nifti.save(nifti.Nifti1Image(np.zeros((6, 6, 6), np.int16), np.eye(4)), path)
    options = Options("test.labelmap", formats=("seg",), modality="CT")
    with session, pytest.raises(UserError, match="needs a DICOM image") as caught:
        analyse(session, [path], options, tmp_path / "out")
    assert caught.value.code == "analyse.format"
    assert not (tmp_path / "out").exists()
