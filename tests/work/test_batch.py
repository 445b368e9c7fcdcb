from __future__ import annotations

import csv
import errno
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from medtransfer.errors import EnvironmentFailure, MedTransferError, UserError
from medtransfer.store import models
from medtransfer.store.home import Home
from medtransfer.store.lock import exclusive
from medtransfer.work import batch as module
from medtransfer.work.analyser import Options
from medtransfer.work.batch import batch
from medtransfer.work.session import Session
from tests.conftest import BundleMaker, PictureMaker

OPTIONS = Options("test.trouble", formats=("json",))


@pytest.fixture
def session(home: Home, make_bundle: BundleMaker) -> Session:
    models.publish(home, make_bundle(plugin="test.trouble"), "sample")
    return Session(home)


@pytest.fixture
def cases(tmp_path: Path, make_picture: PictureMaker) -> Path:
    folder = tmp_path / "cases"
    for number in range(6):
        make_picture(folder / f"ward {number % 2}" / f"{number}.png", seed=number)
    return folder


def _rows(out: Path, table: str = "results.csv") -> list[dict[str, str]]:
    with (out / table).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _full_after(writes: int) -> Callable[[int], None]:
    """Let some writes pass and then find the disk full."""
    left = iter(range(writes))

    def sync(_: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")

    return sync


def test_every_case_has_one_row_and_one_result(session: Session, cases: Path, tmp_path: Path) -> None:
    counts = batch(session, cases, OPTIONS, tmp_path / "out", workers=2)
    rows = _rows(tmp_path / "out")
    assert (counts.done, counts.failed, counts.skipped, counts.already) == (6, 0, 0, 0)
    assert sorted(row["file"] for row in rows) == sorted(f"ward {n % 2}/{n}.png" for n in range(6))
    assert all((tmp_path / "out" / row["folder"] / "result.json").is_file() for row in rows)
    assert all(0 < float(row["bright_probability"]) < 1 for row in rows)
    assert not any(session.home.jobs.iterdir())


def test_what_fails_is_recorded_with_its_reason_and_the_rest_goes_on(
    session: Session, cases: Path, tmp_path: Path, make_picture: PictureMaker
) -> None:
    make_picture(cases / "kills the worker.png", value=255)
    (cases / "broken.png").write_bytes((cases / "ward 0" / "0.png").read_bytes()[:60])
    (cases / "empty.dcm").touch()
    (cases / "labels.csv").write_text("image,patient\n")
    (cases / "notes.txt").write_text("not an image")
    counts = batch(session, cases, OPTIONS, tmp_path / "out")
    assert (counts.done, counts.failed) == (6, 3)
    failures = {row["file"]: row for row in _rows(tmp_path / "out", "failures.csv")}
    assert set(failures) == {"kills the worker.png", "broken.png", "empty.dcm"}
    assert failures["kills the worker.png"]["code"] == "worker.died"
    assert all(row["message"] and row["hint"] for row in failures.values())
    assert len(_rows(tmp_path / "out")) == 9


def test_two_equal_pictures_are_two_cases(session: Session, tmp_path: Path, make_picture: PictureMaker) -> None:
    for name in ("a.png", "b.png"):
        make_picture(tmp_path / "cases" / name, seed=1)
    assert batch(session, tmp_path / "cases", OPTIONS, tmp_path / "out").done == 2


def test_a_batch_again_does_nothing_twice_and_takes_new_cases(
    session: Session, cases: Path, make_picture: PictureMaker
) -> None:
    out = cases / "out"
    batch(session, cases, OPTIONS, out)
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("result.json")}
    make_picture(cases / "new.png", seed=99)
    counts = batch(session, cases, OPTIONS, out)
    assert (counts.done, counts.already) == (7, 6)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    assert len(_rows(out)) == 7


def test_a_stopped_batch_goes_on(home: Home, session: Session, cases: Path, tmp_path: Path) -> None:
    wish = threading.Event()

    def stop_after_two(stage: str, fraction: float | None, values: Mapping[str, float]) -> None:
        if values.get("cases") == 2:
            wish.set()

    with pytest.raises(MedTransferError) as caught:
        batch(Session(home, stop_after_two, wish), cases, OPTIONS, tmp_path / "out")
    assert caught.value.code == "job.cancelled"
    already = len(_rows(tmp_path / "out"))
    assert 2 <= already < 6
    counts = batch(session, cases, OPTIONS, tmp_path / "out")
    assert (counts.done, counts.already) == (6, already)


def test_a_torn_last_line_of_the_ledger_is_cut_off_and_its_case_done_again(
    session: Session, cases: Path, tmp_path: Path
) -> None:
    batch(session, cases, OPTIONS, tmp_path / "out")
    path = tmp_path / "out" / module.LEDGER
    path.write_bytes(path.read_bytes()[:-20])
    counts = batch(session, cases, OPTIONS, tmp_path / "out")
    assert (counts.done, counts.already) == (6, 5)
    assert len({row["case"] for row in _rows(tmp_path / "out")}) == 6


def test_a_damaged_ledger_is_an_error_that_names_the_line(session: Session, cases: Path, tmp_path: Path) -> None:
    batch(session, cases, OPTIONS, tmp_path / "out")
    path = tmp_path / "out" / module.LEDGER
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "{}", *lines[2:]]) + "\n")
    with pytest.raises(MedTransferError, match="line 2 of the batch's ledger"):
        batch(session, cases, OPTIONS, tmp_path / "out")


def test_another_model_is_not_mixed_into_the_same_table(
    session: Session, cases: Path, tmp_path: Path, make_bundle: BundleMaker
) -> None:
    batch(session, cases, OPTIONS, tmp_path / "out")
    models.publish(session.home, make_bundle(plugin="test.trouble", seed=2), "other")
    with pytest.raises(UserError, match="another model"):
        batch(session, cases, OPTIONS, tmp_path / "out")


def test_two_batches_in_one_folder_exclude_each_other(session: Session, cases: Path, tmp_path: Path) -> None:
    with (
        exclusive(tmp_path / "out" / module.LOCK, "a batch"),
        pytest.raises(EnvironmentFailure, match="already running"),
    ):
        batch(session, cases, OPTIONS, tmp_path / "out")


def test_a_full_disk_ends_the_batch_and_nothing_is_recorded_as_failed(
    session: Session, cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", _full_after(12))
        with pytest.raises(EnvironmentFailure, match="disk is full"):
            batch(session, cases, OPTIONS, tmp_path / "out")
    assert _rows(tmp_path / "out", "failures.csv") == []
    assert batch(session, cases, OPTIONS, tmp_path / "out").done == 6


@pytest.mark.parametrize("workers", [0, -1, 65])
def test_a_senseless_number_of_workers_is_refused(session: Session, cases: Path, tmp_path: Path, workers: int) -> None:
    with pytest.raises(UserError, match="number of workers"):
        batch(session, cases, OPTIONS, tmp_path / "out", workers)


def test_a_missing_folder_is_refused(session: Session, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        batch(session, tmp_path / "nowhere", OPTIONS, tmp_path / "out")
