from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from medtransfer.cohort import identity


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read, in their order."""
    found: list[Path] = []

    def file_key(path: Path) -> str:
        found.append(path)
        return path.read_text(encoding="utf-8")

    monkeypatch.setattr(identity, "file_key", file_key)
    return found


def _written(path: Path, text: str, seconds_ago: int) -> Path:
    path.write_text(text, encoding="utf-8")
    changed = time.time() - seconds_ago
    os.utime(path, (changed, changed))
    return path


def test_a_file_that_did_not_change_is_read_once(tmp_path: Path, read: list[Path]) -> None:
    path = _written(tmp_path / "a.png", "one", 60)
    assert [identity.file_keys([path, path]) for _ in range(3)] == [{path: "one"}] * 3
    assert read == [path]


def test_a_file_that_changed_is_read_again(tmp_path: Path, read: list[Path]) -> None:
    path = _written(tmp_path / "a.png", "one", 60)
    identity.file_keys([path])
    assert identity.file_keys([_written(path, "two", 30)]) == {path: "two"}
    assert len(read) == 2


def test_a_file_that_changed_just_now_is_always_read(tmp_path: Path, read: list[Path]) -> None:
    path = _written(tmp_path / "a.png", "one", 0)
    identity.file_keys([path])
    identity.file_keys([path])
    assert len(read) == 2


def test_files_that_cannot_be_read_have_no_key(tmp_path: Path) -> None:
    assert identity.file_keys([tmp_path / "gone.png"]) == {}
