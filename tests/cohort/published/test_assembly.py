from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from medtransfer.cohort import checks, exchange
from medtransfer.cohort.model import Box, Partition
from medtransfer.cohort.published.assembly import assemble
from medtransfer.cohort.published.listing import Entry, Listing
from medtransfer.cohort.splitting import FrozenSplit
from medtransfer.errors import DataError
from tests.cohort.published.miniatures import codes, message, picture

NAMES = {"mass": "Mass", "edema": "Edema"}


def _entry(image: Path | None, patient: str, split: Partition | None, mass: int | None = 1) -> Entry:
    return Entry(image, patient, {"mass": mass, "edema": None}, frozenset({"edema"}), split)


def _listing(root: Path) -> Listing:
    parts: list[tuple[str, Partition | None]] = [
        ("a", "train"), ("b", "train"), ("c", "train"), ("d", "validation"), ("e", "test"), ("f", None),
    ]  # fmt: skip
    return Listing(
        NAMES, [_entry(picture(root / f"{name}.png", ord(name)), name, part) for name, part in parts for _ in (0,)]
    )


def test_a_patient_of_the_test_set_is_left_out_of_training(tmp_path: Path) -> None:
    listing = _listing(tmp_path)
    again = _entry(picture(tmp_path / "e2.png", 7), "e", "train")
    read = assemble("Set", Listing(NAMES, [*listing.entries, again]), None, "unknown")
    assert {case.image.name: case.split for case in read.cases if case.patient == "e"} == {"e.png": "test"}
    assert message(read, "published.leak").startswith("1 picture left out of training")
    assert "split.leak" not in {problem.code for problem in checks.judge(read, checks.look(read))}


def test_a_picture_of_the_test_set_is_left_out_of_training_with_its_patient(tmp_path: Path) -> None:
    listing = _listing(tmp_path)
    shutil.copy(tmp_path / "e.png", tmp_path / "copy.png")
    others = [_entry(tmp_path / "copy.png", "g", "train"), _entry(picture(tmp_path / "g2.png", 8), "g", "train")]
    read = assemble("Set", Listing(NAMES, [*listing.entries, *others]), None, "unknown")
    assert [case.image.name for case in read.cases if case.patient in {"e", "g"}] == ["e.png"]
    assert "2 pictures left out" in message(read, "published.leak")
    split = FrozenSplit.make(read, 0.2, 0.2, seed=1)
    assert [key for key, part in split.partitions.items() if part == "test"] == [
        case.key for case in read.cases if case.split == "test"
    ]


def test_missing_and_uncertain_are_counted(tmp_path: Path) -> None:
    listing = _listing(tmp_path)
    gone = [_entry(None, "x", "train"), _entry(tmp_path / "gone.png", "y", "train")]
    read = assemble("Set", Listing(NAMES, [*listing.entries, *gone]), None, "mixed")
    assert len(read.cases) == 6
    assert "2 of the 8 pictures" in message(read, "published.images-missing")
    assert {case.labels["edema"] for case in read.cases} == {1}
    assert "published.uncertain" not in codes(assemble("Set", listing, ["mass"], "mixed"))


def test_nothing_left_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none of the 1 pictures that Set lists") as refused:
        assemble("Set", Listing(NAMES, [_entry(tmp_path / "gone.png", "y", "train")]), None, "unknown")
    assert refused.value.code == "published.no-images"


def test_attributes_boxes_and_source_reach_the_worker(tmp_path: Path) -> None:
    box = Box("mass", 1, 2, 3, 4)
    entry = Entry(picture(tmp_path / "a.png", 1), "a", {"mass": 1}, attributes={"view": "PA"}, boxes=(box,))
    read = assemble("Set", Listing({"mass": "Mass"}, [entry]), None, "unknown")
    exchange.save(read, tmp_path / "cohort.json")
    back = exchange.load(tmp_path / "cohort.json")
    assert back.source == "Set"
    assert back.cases[0].attributes == {"view": "PA"}
    assert back.boxes == {read.cases[0].key: (box,)}
