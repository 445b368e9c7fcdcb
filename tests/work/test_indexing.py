"""Folders through the index: only what is new or changed is read, and what is shown is the same as without it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

from medtransfer import study
from medtransfer.store import answers, index
from medtransfer.store.home import Home
from medtransfer.work import indexing
from medtransfer.work.indexing import Seen
from medtransfer.work.opening import portions
from tests.conftest import PictureMaker
from tests.study.builders import write_axial

LONG_AGO = 1_000_000_000


def settle(folder: Path, when: int = LONG_AGO) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (when, when))


@pytest.fixture
def tree(tmp_path: Path, make_picture: PictureMaker) -> Path:
    """Two series, a picture, a report that is no image, and a text."""
    folder = tmp_path / "tree"
    for name, number in (("one", 1), ("two", 2)):
        (folder / name).mkdir(parents=True)
        write_axial(folder / name, [0, 2, 4], SeriesInstanceUID=f"1.2.3.{number}")
    make_picture(folder / "a.png")
    (folder / "notes.txt").write_text("nothing to see")
    (folder / "report.dcm").write_bytes(Path(str(get_testdata_file("reportsi.dcm"))).read_bytes())
    settle(folder)
    return folder


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were read for the index."""
    names: list[str] = []
    examine = answers.examine

    def noted(path: Path) -> answers.Answer | None:
        names.append(path.name)
        return examine(path)

    monkeypatch.setattr(answers, "examine", noted)
    return names


def shown(home: Home, folder: Path) -> list[object]:
    """Return everything that the list of studies would show."""
    return [
        (p.paths, [_told(entry) for entry in p.found.studies], [(e.code, e.subject) for e in p.found.problems])
        for p in portions(home, [folder], lambda: False)
    ]


def _told(entry: study.Study) -> object:
    series = [(s.uid, s.shape, s.description, s.checks, s.source, s.date) for s in entry.series]
    return entry.uid, asdict(entry.patient), entry.date, series


def last(home: Home, folder: Path) -> Seen:
    seen: list[Seen] = []
    for _ in portions(home, [folder], lambda: False, seen.append):
        pass
    return seen[-1]


def test_the_second_time_nothing_is_read_and_the_same_is_shown(home: Home, tree: Path, read: list[str]) -> None:
    first = shown(home, tree)
    assert len(read) == 9
    read.clear()
    assert shown(home, tree) == first
    assert read == []
    assert last(home, tree) == Seen(read=0, unchanged=9)


def test_pixels_behind_kept_headers_are_the_files_own(home: Home, tree: Path) -> None:
    for _ in range(2):
        found = [s for p in portions(home, [tree / "one"], lambda: False) for e in p.found.studies for s in e.series]
        assert found[0].image().array[:, 0, 0].tolist() == [100 - 1024, 120 - 1024, 140 - 1024]


def _longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + bytes(2))
    os.utime(path, (LONG_AGO, LONG_AGO))


def _touched(path: Path) -> None:
    os.utime(path, (LONG_AGO + 1, LONG_AGO + 1))


def _replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.utime(other, (LONG_AGO, LONG_AGO))
    other.replace(path)


@pytest.mark.parametrize("change", [_longer, _touched, _replaced])
def test_a_changed_file_is_read_again_and_no_other(
    home: Home, tree: Path, read: list[str], change: Callable[[Path], None]
) -> None:
    shown(home, tree)
    read.clear()
    change(tree / "one" / "001.dcm")
    shown(home, tree)
    assert read == ["001.dcm"]


def test_deleted_files_and_folders_leave_the_index(home: Home, tree: Path) -> None:
    shown(home, tree)
    (tree / "one" / "002.dcm").unlink()
    for path in (tree / "two").iterdir():
        path.unlink()
    (tree / "two").rmdir()
    shown(home, tree)
    with index.opened(home) as opened:
        assert sorted(opened.rows(tree / "one")) == ["000.dcm", "001.dcm"]
        assert opened.rows(tree / "two") == {}
        assert opened.size().files == 5


def test_a_file_that_was_written_just_now_is_not_trusted(home: Home, tree: Path, read: list[str]) -> None:
    os.utime(tree / "one" / "000.dcm")
    shown(home, tree)
    read.clear()
    shown(home, tree)
    assert read == ["000.dcm"]


def test_a_stop_keeps_what_was_read_and_a_stopped_walk_drops_nothing(
    home: Home, tree: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown(home, tree / "two")
    read.clear()
    monkeypatch.setattr(indexing, "BATCH", 2)
    assert list(portions(home, [tree / "one"], lambda: len(read) >= 2)) == []
    assert read == ["000.dcm", "001.dcm"]
    read.clear()
    assert len(shown(home, tree)) == 4  # the picture, the report, and two series
    assert "002.dcm" in read
    assert not {"000.dcm", "001.dcm"} & set(read)


def test_an_index_that_cannot_be_used_stops_nothing(home: Home, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = shown(home, tree)

    @contextmanager
    def broken(place: Home) -> Iterator[index.FolderIndex]:
        raise sqlite3.OperationalError("disk I/O error")
        yield

    monkeypatch.setattr(index, "opened", broken)
    assert shown(home, tree) == expected


def test_an_index_that_breaks_half_way_stops_nothing(home: Home, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = shown(home, tree)

    def full(*arguments: object, **named: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(index.FolderIndex, "keep", full)
    assert shown(home, tree) == expected


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["write", "delete", "touch"]), st.integers(0, 3), st.integers(0, 20)), max_size=6
    )
)
def test_whatever_happens_to_the_files_the_index_shows_what_is_there(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("series")
    home, fresh = Home(folder.parent / f"{folder.name}-home"), Home(folder.parent / f"{folder.name}-fresh")
    for time, (what, number, height) in enumerate(steps, start=1):
        path = folder / f"{number}.dcm"
        if what == "write":
            made = write_axial(tmp_path_factory.mktemp("made"), [height], SeriesDescription="x" * height)
            path.write_bytes((made / "000.dcm").read_bytes())
            os.utime(path, (LONG_AGO + time, LONG_AGO + time))
        elif path.exists() and what == "delete":
            path.unlink()
        elif path.exists():
            os.utime(path, (LONG_AGO + time, LONG_AGO + time))
        assert shown(home, folder) == shown(Home(fresh.root / str(time)), folder)
