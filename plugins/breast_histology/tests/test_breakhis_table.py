from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medtransfer_breast_histology.table import COLUMNS, TYPES, write

from medtransfer.errors import DataError

BENIGN = ("A", "F", "PT", "TA")


def breakhis(folder: Path, *names: str) -> Path:
    """Lay empty pictures out as BreakHis does: class, SOB, type, slide, magnification."""
    for name in names:
        stem, year, slide, magnification, _ = name.removesuffix(".png").split("-")
        _, side, kind = stem.split("_")
        side_folder = "benign" if side == "B" else "malignant"
        place = folder / side_folder / "SOB" / TYPES[kind] / f"SOB_{side}_{kind}_{year}-{slide}" / f"{magnification}X"
        place.mkdir(parents=True, exist_ok=True)
        (place / name).touch()
    return folder


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_picture_becomes_a_row_with_its_patient_magnification_and_labels(tmp_path: Path) -> None:
    folder = breakhis(tmp_path / "in", "SOB_B_TA-14-16184CD-40-007.png", "SOB_M_DC-14-2523-400-001.png")
    assert write(folder, tmp_path / "table.csv") == 2
    benign, malignant = rows_of(tmp_path / "table.csv")
    assert Path(benign["image"]).name == "SOB_B_TA-14-16184CD-40-007.png"
    assert Path(benign["image"]).is_file()
    assert (benign["patient"], benign["site"], benign["malignant"]) == ("14-16184", "40x", "0")
    assert (malignant["patient"], malignant["site"], malignant["malignant"]) == ("14-2523", "400x", "1")
    assert [kind for kind in TYPES.values() if benign[kind] == "1"] == ["tubular_adenoma"]
    assert [kind for kind in TYPES.values() if malignant[kind] == "1"] == ["ductal_carcinoma"]


def test_a_patient_under_two_types_and_on_two_slides_is_one_patient(tmp_path: Path) -> None:
    names = ("SOB_M_DC-14-13412-40-001.png", "SOB_M_LC-14-13412-100-002.png", "SOB_M_LC-14-13412AB-200-002.png")
    write(breakhis(tmp_path / "in", *names), tmp_path / "table.csv")
    assert {row["patient"] for row in rows_of(tmp_path / "table.csv")} == {"14-13412"}


def test_pictures_of_another_name_are_left_alone_and_alone_are_refused(tmp_path: Path) -> None:
    (tmp_path / "SOB_M_XX-14-1-40-001.png").touch()
    (tmp_path / "slide.png").touch()
    with pytest.raises(DataError) as caught:
        write(tmp_path, tmp_path / "table.csv")
    assert caught.value.code == "breakhis.nothing-found"
    assert not (tmp_path / "table.csv").exists()


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(list(TYPES)),
    year=st.integers(1, 99),
    slide=st.integers(1, 99_999),
    letters=st.text("ABCDEFG", max_size=2),
    magnification=st.sampled_from([40, 100, 200, 400]),
    number=st.integers(1, 999),
)
def test_every_name_of_the_form_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    year: int,
    slide: int,
    letters: str,
    magnification: int,
    number: int,
) -> None:
    side = "B" if kind in BENIGN else "M"
    name = f"SOB_{side}_{kind}-{year}-{slide}{letters}-{magnification}-{number:03d}.png"
    folder = tmp_path_factory.mktemp("breakhis")
    write(breakhis(folder / "in", name), folder / "table.csv")
    (row,) = rows_of(folder / "table.csv")
    assert tuple(row) == COLUMNS
    assert (row["patient"], row["site"]) == (f"{year}-{slide}", f"{magnification}x")
    assert row["malignant"] == str(int(side == "M"))
    assert [row[name] for name in TYPES.values()].count("1") == 1
    assert row[TYPES[kind]] == "1"
