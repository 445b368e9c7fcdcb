"""Lines outlive a kill; a damaged one is said by its number."""

from __future__ import annotations

from pathlib import Path

import pytest

from medtransfer.errors import DataError
from medtransfer.result.model import Record
from medtransfer.store import json_lines


class Line(Record):
    """A line."""

    word: str


def damaged(number: int) -> DataError:
    return DataError(f"line {number}", code="test.damaged", hint="None.")


def test_lines_come_back_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    assert json_lines.read(path, Line, damaged) == []
    written = [Line(word="ä"), Line(word="two\nlines")]
    for line in written:
        json_lines.append(path, line)
    assert json_lines.read(path, Line, damaged) == written


def test_a_line_without_its_end_is_cut_off_and_the_next_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    json_lines.append(path, Line(word="whole"))
    with path.open("ab") as stream:
        stream.write(b'{"word":"hal')
    assert json_lines.read(path, Line, damaged) == [Line(word="whole")]
    json_lines.append(path, Line(word="next"))
    assert json_lines.read(path, Line, damaged) == [Line(word="whole"), Line(word="next")]


def test_a_damaged_line_is_told_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_text('{"word":"good"}\n{"world":"bad"}\n{"word":"good"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        json_lines.read(path, Line, damaged)
