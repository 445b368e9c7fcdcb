"""Stories from end to end, through real processes: killed, stopped and started again."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from medtransfer.store import models
from medtransfer.store.home import Home
from tests.conftest import ROOT, BundleMaker, PictureMaker, TableMaker

PATIENCE_S = 60.0


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "medtransfer", *map(str, arguments)]


def _run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(_command(*arguments), cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def _start(*arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(_command(*arguments), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.fixture
def cases(home: Home, tmp_path: Path, make_bundle: BundleMaker, make_picture: PictureMaker) -> Path:
    """Twenty pictures, and a model that analyses them."""
    models.publish(home, make_bundle(plugin="test.trouble"), "sample")
    for number in range(20):
        make_picture(tmp_path / "cases" / f"{number:02d}.png", seed=number)
    return tmp_path / "cases"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_batch_that_is_killed_goes_on_with_nothing_lost_or_done_twice(
    cases: Path, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setenv("TROUBLE_ANALYSE_S", "0.05")
    out = tmp_path / "out"
    order = ("batch", cases, "--plugin", "test.trouble", "--out", out, "--workers", workers)
    with _start(*order) as running:
        _wait_until(lambda: _lines(out / "ledger.jsonl") >= 4)
        running.kill()
    before = (out / "ledger.jsonl").read_bytes()
    before = before[: before.rfind(b"\n") + 1]
    assert 4 <= before.count(b"\n") < 20
    ended = _run(*order)
    assert ended.returncode == 0, ended.stderr
    assert (out / "ledger.jsonl").read_bytes().startswith(before)
    with (out / "results.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(row["file"] for row in rows) == [f"{number:02d}.png" for number in range(20)]
    assert {row["status"] for row in rows} == {"done"}
    assert all((out / row["folder"] / "result.json").is_file() for row in rows)
    assert len(list((out / "cases").iterdir())) == 20
    assert not any(home.jobs.iterdir())


def test_no_worker_outlives_a_host_that_was_killed(
    cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TROUBLE_ANALYSE_S", "0.05")
    with _start("batch", cases, "--plugin", "test.trouble", "--out", tmp_path / "out") as running:
        _wait_until(lambda: _lines(tmp_path / "out" / "ledger.jsonl") >= 1)
        workers = psutil.Process(running.pid).children(recursive=True)
        assert workers
        running.kill()
    _wait_until(lambda: not any(worker.is_running() for worker in workers))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl+C to one process from a test")
def test_ctrl_c_stops_a_batch_cleanly(cases: Path, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROUBLE_ANALYSE_S", "0.05")
    with _start("batch", cases, "--plugin", "test.trouble", "--out", tmp_path / "out") as running:
        _wait_until(lambda: _lines(tmp_path / "out" / "ledger.jsonl") >= 1)
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=10) == 1
    assert not any(home.jobs.iterdir())


def test_a_worker_killed_in_the_middle_is_reported_and_the_next_case_works(
    cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TROUBLE_ANALYSE_S", "0.1")
    out = tmp_path / "out"
    with _start("batch", cases, "--plugin", "test.trouble", "--out", out) as running:
        _wait_until(lambda: _lines(out / "ledger.jsonl") >= 2)
        for worker in psutil.Process(running.pid).children():
            worker.kill()
        assert running.wait(timeout=PATIENCE_S) in {0, 3}
    with (out / "results.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 20
    failed = [row for row in rows if row["status"] == "failed"]
    assert len(failed) <= 1
    assert all("ended unexpectedly" in row["error"] for row in failed)


def test_a_training_that_is_killed_goes_on_exactly_where_it_stopped(
    home: Home, tmp_path: Path, make_table: TableMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TROUBLE_EPOCH_S", "0.3")
    order = ("learn", "--plugin", "test.trouble", "--data", make_table(tmp_path / "c"), "--out", tmp_path / "out")

    def epochs_done() -> int:
        records = list(home.jobs.glob("*/checkpoints/epochs.txt"))
        return len(records[0].read_text().split()) if records else 0

    with _start(*order) as running:
        _wait_until(lambda: epochs_done() >= 3)
        running.kill()
    before = epochs_done()
    assert before < 8
    assert _run(*order).returncode == 0
    card = models.find(home, "trouble").open().card
    assert len(card.extra["epochs"]) == 8
    assert len(set(card.extra["epochs"][:before])) == 1
    assert len(set(card.extra["epochs"])) == 2


def test_two_trainings_at_once_both_work_and_one_folder_takes_one(
    home: Home, tmp_path: Path, make_table: TableMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TROUBLE_EPOCH_S", "0.3")
    table = make_table(tmp_path / "c")
    base = ("learn", "--plugin", "test.trouble", "--data", table)
    with (
        _start(*base, "--out", tmp_path / "a", "--name", "a") as first,
        _start(*base, "--out", tmp_path / "b", "--name", "b") as second,
    ):
        _wait_until(lambda: len(list(home.jobs.glob("*/request.json"))) == 2)
        third = _run(*base, "--out", tmp_path / "a", "--name", "a")
        assert (third.returncode, "already running" in third.stderr) == (1, True)
        assert (first.wait(timeout=PATIENCE_S), second.wait(timeout=PATIENCE_S)) == (0, 0)
    assert {model.reference for model in models.list_models(home)} == {"a@1", "b@1"}


def test_a_case_from_picture_to_rerun(cases: Path, tmp_path: Path) -> None:
    analysed = _run("analyse", cases / "00.png", "--plugin", "test.trouble", "--out", tmp_path / "result")
    assert analysed.returncode == 0, analysed.stderr
    result = json.loads((tmp_path / "result" / "result.json").read_text())
    assert result["passport"]["model_sha256"]
    again = _run("rerun", tmp_path / "result")
    assert (again.returncode, again.stdout.strip()) == (0, "the same, bit for bit")


def test_the_host_never_imports_the_networks_libraries(home: Home, cases: Path) -> None:
    program = (
        "import sys\n"
        "from medtransfer.cli.main import run\n"
        "codes = [run(line.split()) for line in sys.argv[1:]]\n"
        "heavy = {'torch', 'timm', 'openvino', 'sklearn', 'lightning_fabric', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(f'{codes} {heavy}' if any(codes) or heavy else 0)\n"
    )
    lines = (f"open {cases / '00.png'}", "plugin list", "model list")
    ended = subprocess.run(
        [sys.executable, "-c", program, *lines], cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ
    )
    assert ended.returncode == 0, ended.stderr
