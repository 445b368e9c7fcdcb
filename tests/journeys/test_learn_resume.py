"""The real fundus plug-in, killed with SIGKILL in the middle of learning: the same command ends with the same model."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from medtransfer.cohort.phantom import write_cohort
from medtransfer.contract.bundle import ModelBundle, file_sha256
from medtransfer.store.home import Home
from tests.conftest import ROOT

PATIENCE_S = 120.0
SETTINGS = ("ensemble=none", "input_size=96", "views=1", "epochs=3", "patience=3", "bootstrap=100")


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cohort(tmp_path_factory.mktemp("phantoms"), cases=60, seed=3)


def order(phantoms: Path, home: Path, out: Path) -> list[str]:
    changes = [part for setting in SETTINGS for part in ("--set", setting)]
    return [
        *(sys.executable, "-m", "medtransfer", "--home", str(home)),
        *("learn", "--plugin", "medtransfer.fundus-trio", "--data", str(phantoms), "--out", str(out)),
        *("--label", "dr", "--name", "phantoms", *changes),
    ]


def finished(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr


def killed(command: list[str], when: Callable[[], bool]) -> str:
    """Start a command, kill its worker as soon as something is so, and return what it said then."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + PATIENCE_S
        while not when():
            assert running.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline, "it took too long"
            time.sleep(0.01)
        for child in psutil.Process(running.pid).children():
            child.kill()
        said = running.communicate(timeout=PATIENCE_S)[1]
        assert running.returncode == 1
    return said


def sums(out: Path) -> dict[str, str]:
    return {path.name: file_sha256(path) for path in sorted((out / "model").glob("*.safetensors"))}


@pytest.mark.slow
def test_a_learning_that_is_killed_ends_with_the_model_of_one_that_was_not(phantoms: Path, tmp_path: Path) -> None:
    finished(order(phantoms, tmp_path / "home", tmp_path / "straight"))
    home = Home.locate(tmp_path / "other").prepare()
    shutil.copytree(Home.locate(tmp_path / "home").weights, home.weights, dirs_exist_ok=True)
    command = order(phantoms, home.root, tmp_path / "out")

    def left(name: str) -> bool:
        return any(home.jobs.glob(f"*/checkpoints/{name}"))

    said = killed(command, lambda: left("label-dr.checkpoint"))
    assert "ended unexpectedly" in said
    assert not left("label-dr.json")
    assert not (tmp_path / "out" / "model").exists()
    finished(command)
    straight, resumed = (ModelBundle.open(tmp_path / out / "model") for out in ("straight", "out"))
    assert len(sums(tmp_path / "out")) == 3
    assert sums(tmp_path / "out") == sums(tmp_path / "straight")
    assert resumed.card.evaluation == straight.card.evaluation
    assert resumed.card.extra == straight.card.extra
    assert resumed.card.extra["training"]["dr"]["best_epoch"] > 0
