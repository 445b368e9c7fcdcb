"""Verdicts stay with their result, wherever its folder is moved."""

from __future__ import annotations

from pathlib import Path

from medtransfer.store import verdicts
from medtransfer.store.home import Home


def result(folder: Path, content: str) -> Path:
    folder.mkdir()
    (folder / "result.json").write_text(content)
    return folder


def test_a_later_verdict_takes_the_place_of_an_earlier_one(home: Home, tmp_path: Path) -> None:
    folder = result(tmp_path / "r", "{}")
    verdicts.record(home, folder, "dr", "right")
    verdicts.record(home, folder, "dr", "wrong")
    verdicts.record(home, folder, verdicts.WHOLE, "unsure")
    assert verdicts.of_result(home, folder) == {"dr": "wrong", "": "unsure"}


def test_verdicts_follow_the_result_and_belong_to_no_other(home: Home, tmp_path: Path) -> None:
    folder = result(tmp_path / "r", "{}")
    verdicts.record(home, folder, "dr", "right")
    moved = folder.rename(tmp_path / "moved")
    assert verdicts.of_result(home, moved) == {"dr": "right"}
    assert verdicts.of_result(home, result(tmp_path / "other", "{ }")) == {}


def test_a_withdrawn_verdict_is_gone(home: Home, tmp_path: Path) -> None:
    folder = result(tmp_path / "r", "{}")
    verdicts.record(home, folder, "dr", "right")
    verdicts.withdraw(home, folder, "dr")
    verdicts.withdraw(home, folder, "never given")
    assert verdicts.of_result(home, folder) == {}
