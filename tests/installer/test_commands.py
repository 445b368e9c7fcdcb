from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from installer import commands
from installer.environment import Checkout


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Sequence[str], dict[str, str]]]:
    """Every program that is started, with its variables; import-linter fails, all others pass."""
    calls: list[tuple[Sequence[str], dict[str, str]]] = []

    def run(command: Sequence[str], *, env: dict[str, str], **_: Any) -> SimpleNamespace:
        calls.append((command, env))
        return SimpleNamespace(returncode=int("lint-imports" in command[0]))

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return calls


def test_the_whole_suite_is_shared_among_processes_that_share_the_cores(
    started: list[tuple[Sequence[str], dict[str, str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    commands.test(Checkout(tmp_path), [])
    command, variables = started[-1]
    assert command[1:] == ["-m", "pytest", "-n", "4", "--dist", "loadfile"]
    assert variables["OMP_NUM_THREADS"] == "2"


def test_arguments_go_to_one_pytest_as_they_are(
    started: list[tuple[Sequence[str], dict[str, str]]], tmp_path: Path
) -> None:
    commands.test(Checkout(tmp_path), ["-k", "dicom", "--pdb"])
    command, variables = started[-1]
    assert command[1:] == ["-m", "pytest", "-k", "dicom", "--pdb"]
    assert "OMP_NUM_THREADS" not in variables


def test_every_check_runs_and_one_that_fails_is_named(
    started: list[tuple[Sequence[str], dict[str, str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.test(Checkout(tmp_path), []) == 1
    assert len(started) == 5
    said = capsys.readouterr().out
    assert "FAILED  import-linter" in said
    assert said.count("passed") == 4
