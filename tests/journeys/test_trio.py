"""A trio that is killed while it learns and goes on, is given another finding, and relieved of one."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from medtransfer.cohort import phantom_diseases
from medtransfer.cohort.splitting import FrozenSplit
from medtransfer.contract.bundle import ModelBundle, file_sha256
from medtransfer.result import reading
from medtransfer.store.home import Home
from medtransfer.work import adding, dropping, planning
from medtransfer.work.analyse import analyse
from medtransfer.work.analyser import Options
from medtransfer.work.planning import Wish
from medtransfer.work.session import Session
from tests.conftest import ROOT

PATIENCE_S = 180.0
LABELS = ("ls", "mh")
SETTINGS = {
    "ensemble": "trio", "trunk": "shared", "folds": 2, "backbone": "test_efficientnet", "weights": "none",
    "input_size": 64, "views": 1, "epochs": 3, "patience": 3, "bootstrap": 100,
}  # fmt: skip


@dataclass(frozen=True)
class Clinic:
    """Synthetic photographs, and a store in which ``trio`` was learnt from them after a kill."""

    table: Path
    home: Home
    out: Path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "medtransfer", "--home", str(self.home.root), *arguments]

    def run(self, *arguments: str) -> None:
        done = subprocess.run(
            self.command(*arguments), cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
        assert done.returncode == 0, done.stderr

    def learn(self, out: Path) -> list[str]:
        changes = [part for key, value in SETTINGS.items() for part in ("--set", f"{key}={value}")]
        labels = [part for label in LABELS for part in ("--label", label)]
        return [
            *("learn", "--plugin", "medtransfer.fundus-trio", "--data", str(self.table), "--out", str(out)),
            *("--name", "trio", *labels, *changes),
        ]

    def killed(self, arguments: Sequence[str], file: str) -> None:
        """Start learning, and kill the worker with SIGKILL as soon as a checkpoint is there."""
        with subprocess.Popen(self.command(*arguments), cwd=ROOT, stderr=subprocess.PIPE, text=True) as running:
            deadline = time.monotonic() + PATIENCE_S
            while not any(self.home.jobs.glob(f"*/checkpoints/{file}")):
                assert running.poll() is None, "it ended before it could be killed"
                assert time.monotonic() < deadline, "it took too long"
                time.sleep(0.01)
            for child in psutil.Process(running.pid).children():
                child.kill()
            assert "ended unexpectedly" in running.communicate(timeout=PATIENCE_S)[1]


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    folder = tmp_path_factory.mktemp("clinic")
    table = phantom_diseases.write_cohort(folder / "phantoms", 80, seed=4)
    found = Clinic(table, Home.locate(folder / "home").prepare(), folder / "out")
    found.killed(found.learn(found.out), "disease-1.checkpoint")
    assert not (found.out / "model").exists()
    found.run(*found.learn(found.out))
    return found


def tensors(out: Path) -> dict[str, str]:
    return {path.name: file_sha256(path) for path in sorted((out / "model").glob("*.safetensors"))}


@pytest.mark.slow
def test_a_trio_that_was_killed_is_the_one_that_was_not(clinic: Clinic, tmp_path: Path) -> None:
    other = Clinic(clinic.table, Home.locate(tmp_path / "home").prepare(), tmp_path / "out")
    other.run(*other.learn(other.out))
    assert len(tensors(clinic.out)) == 4 + 3 * len(LABELS)
    assert tensors(clinic.out) == tensors(other.out)
    resumed, straight = (ModelBundle.open(out / "model").card for out in (clinic.out, other.out))
    assert resumed.evaluation == straight.evaluation
    assert all(resumed.extra["training"][label]["seconds"] > 0 for label in LABELS)


@pytest.mark.slow
def test_a_finding_is_added_from_a_handful_and_another_taken_out(clinic: Clinic, tmp_path: Path) -> None:
    with clinic.table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    chosen = [row for row in rows if row["rs"] == "1"][:8] + [row for row in rows if row["rs"] == "0"][:12]
    shutil.copyfile(clinic.table.parent / "SYNTHETIC.txt", tmp_path / "SYNTHETIC.txt")
    with (tmp_path / "handful.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "patient", "rs"])
        writer.writerows([(clinic.table.parent / row["image"]).resolve(), row["patient"], row["rs"]] for row in chosen)
    plugin = "medtransfer.fundus-trio"
    with Session(clinic.home) as session:
        wish = Wish(plugin, tmp_path / "handful.csv", parent="trio@1")
        learnt = adding.add(session, wish, tmp_path / "added")
        assert adding.add(session, wish, tmp_path / "added").model == learnt.model, "nothing is done twice"
        left = dropping.drop(clinic.home, learnt.model.reference, ["ls"])
        options = Options(plugin, model=left.reference, explain=("rs",), formats=("json",))
        (done,) = analyse(session, [clinic.table.parent / chosen[0]["image"]], options, tmp_path / "analysed").done
    card = learnt.bundle.card
    assert [(label.id, label.positives) for label in card.labels][-1] == ("rs", 8)
    assert card.labels[-1].name == "Retinitis"
    assert "leaving patients out" in learnt.report.read_text(encoding="utf-8")
    assert (learnt.model.reference, left.reference) == ("trio@2", "trio@3")
    assert left.open().card.parent == learnt.bundle.sha256
    assert not any("-ls." in path.name for path in left.folder.iterdir())
    split = planning.split_file(clinic.home, left.open())
    tested = FrozenSplit.load(clinic.out / "split.json").partitions
    assert FrozenSplit.load(split).partitions.items() >= tested.items(), "retraining keeps the first model's test set"
    result = reading.read(done.folder)
    assert [finding.label for finding in result.findings] == ["mh", "rs"]
    assert len(result.findings[1].similar) == 3
    assert [heatmap.info.label for heatmap in result.heatmaps] == ["rs"]
