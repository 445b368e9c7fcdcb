from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medtransfer import logs


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    yield
    for handler in list(logs._LOGGER.handlers):
        logs._LOGGER.removeHandler(handler)
        handler.close()


def _lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]


def test_an_event_is_one_line_of_json(tmp_path: Path) -> None:
    logs.configure(tmp_path)
    logs.event("analyse.done", plugin="test.echo", duration_s=1.5)
    (line,) = _lines(tmp_path)
    assert (line["event"], line["plugin"], line["duration_s"]) == ("analyse.done", "test.echo", 1.5)


@pytest.mark.parametrize("text", ["/home/doe/scan.dcm", "C:\\scans", "Doe^Jane", "Jane Doe", "../x", ""])
def test_what_does_not_look_like_an_identifier_is_withheld(tmp_path: Path, text: str) -> None:
    logs.configure(tmp_path)
    logs.event("analyse.done", plugin=text)
    assert _lines(tmp_path)[0]["plugin"] == "withheld"


def test_a_field_that_is_not_listed_is_a_bug(tmp_path: Path) -> None:
    logs.configure(tmp_path)
    with pytest.raises(ValueError, match="not to be logged"):
        logs.event("analyse.done", patient="1")
    with pytest.raises(ValueError, match="not to be logged"):
        logs.event("Analysed Jane Doe")
    assert _lines(tmp_path) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text())
def test_no_text_breaks_the_line_or_carries_a_path(tmp_path: Path, text: str) -> None:
    logs.configure(tmp_path)
    logs.event("analyse.done", model=text)
    written = _lines(tmp_path)[-1]["model"]
    assert written in {text, "withheld"}
    assert "/" not in str(written)
