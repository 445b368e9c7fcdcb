from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.cli.conftest import Command
from tests.study.builders import ct_slice, save, write_axial


def test_the_command_writes_and_says_what_needs_a_look(command: Command, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_axial(tmp_path / "in", [0, 2])
    whole = command("deidentify", tmp_path / "in", tmp_path / "out")
    assert (whole.code, whole.out.split(",")[0]) == (0, "2 written")
    save(ct_slice(np.zeros((4, 6), np.uint16), (0, 0, 0), BurnedInAnnotation="YES"), tmp_path / "in" / "shown.dcm")
    held = command("deidentify", tmp_path / "in", tmp_path / "out")
    assert held.code == 3
    assert "shown.dcm: needs a look" in held.err
    again = command("deidentify", tmp_path / "in", tmp_path / "out", "--json")
    told = json.loads(again.out)
    assert (told["already"], [entry["kind"] for entry in told["held_back"]]) == (2, ["burned-in"])
    assert command("deidentify", tmp_path / "in", tmp_path / "out", "--include-burned-in").code == 0


def test_contradicting_options_are_wrong_usage(command: Command, tmp_path: Path) -> None:
    answer = command("deidentify", tmp_path, tmp_path / "out", "--keep-dates", "--shift-dates")
    assert answer.code == 2
    assert "exclude each other" in answer.err
