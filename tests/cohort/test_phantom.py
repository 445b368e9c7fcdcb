from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from medtransfer.cohort.phantom import LABELS, Phantom, patient, write_cohort
from medtransfer.cohort.phantom_lesions import MASK_VALUES

CASES = 20


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cohort(tmp_path_factory.mktemp("phantom"), CASES, seed=3)


@pytest.fixture(scope="module")
def phantoms() -> list[Phantom]:
    """Both eyes of ten patients: every grade of disease."""
    return [phantom for number in range(10) for phantom in patient(11, number)]


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_table_and_files(cohort: Path) -> None:
    table = rows(cohort)
    assert list(table[0]) == ["image", "patient", "site", *LABELS]
    assert len(table) == CASES
    assert len({row["patient"] for row in table}) == CASES // 2
    assert "synthetic" in (cohort.parent / "SYNTHETIC.txt").read_text(encoding="utf-8")
    assert not list(cohort.parent.glob("*.part"))
    for row in table:
        image = cohort.parent / row["image"]
        with Pillow.open(image) as picture, Pillow.open(cohort.parent / "masks" / f"{image.stem}.png") as mask:
            assert picture.size == mask.size
            assert picture.mode == "RGB"
            assert set(np.unique(np.asarray(mask))) <= {0, *MASK_VALUES.values()}


def test_every_label_has_both_answers_in_twenty_cases(cohort: Path) -> None:
    for label in LABELS:
        assert {row[label] for row in rows(cohort)} == {"0", "1"}


def test_same_seed_same_cohort_and_a_larger_one_begins_alike(cohort: Path, tmp_path: Path) -> None:
    again = write_cohort(tmp_path / "again", 6, seed=3)
    other = write_cohort(tmp_path / "other", 6, seed=4)
    assert rows(again) == rows(cohort)[:6]
    for row in rows(again):
        assert (again.parent / row["image"]).read_bytes() == (cohort.parent / row["image"]).read_bytes()
    first, changed = rows(again)[0], rows(other)[0]
    assert (again.parent / first["image"]).read_bytes() != (other.parent / changed["image"]).read_bytes()


def test_an_odd_number_of_cases(tmp_path: Path) -> None:
    table = rows(write_cohort(tmp_path, 3, seed=1))
    assert [row["patient"] for row in table] == ["phantom0001", "phantom0001", "phantom0002"]


def test_labels_follow_the_lesions_in_view(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        red = np.isin(phantom.truth, [MASK_VALUES["haemorrhage"], MASK_VALUES["microaneurysm"]])
        exudate = phantom.truth == MASK_VALUES["exudate"]
        assert phantom.labels["dr"] == int(red.any() or exudate.any())
        assert phantom.labels["dr"] >= phantom.labels["dr_referable"]
        if phantom.labels["dme"]:
            assert exudate.any()


def test_lesions_show_in_the_picture(phantoms: list[Phantom]) -> None:
    """Exudates are brighter and haemorrhages darker in green than the rest of the same field of view."""
    brighter, darker = [], []
    for phantom in phantoms:
        green = phantom.picture[..., 1].astype(float)
        healthy = float(np.median(green[(phantom.truth == 0) & (phantom.picture.max(axis=-1) > 40)]))
        exudate, blood = phantom.truth == MASK_VALUES["exudate"], phantom.truth == MASK_VALUES["haemorrhage"]
        if exudate.sum() > 30:
            brighter.append(green[exudate].mean() - healthy)
        if blood.sum() > 30:
            darker.append(healthy - green[blood].mean())
    assert len(brighter) >= 3
    assert len(darker) >= 3
    assert min(brighter) > 10
    assert min(darker) > 10


def test_the_disc_lies_towards_the_nose(phantoms: list[Phantom]) -> None:
    """Right eyes have the bright optic disc on the right of the picture, left eyes on the left."""
    for phantom in phantoms:
        healthy = phantom.picture[..., 1].astype(float) * (phantom.truth == 0)
        brightest = healthy > np.quantile(healthy, 0.99)
        column = float(np.nonzero(brightest)[1].mean()) / brightest.shape[1]
        assert (column > 0.5) == (phantom.laterality == "R")


def test_both_eyes_share_the_camera_and_nothing_is_the_same_picture() -> None:
    right, left = patient(2, 4)
    assert right.camera == left.camera
    assert not np.array_equal(right.picture, left.picture[:, ::-1])
    assert (right.picture[:4, :4] < 40).all()
