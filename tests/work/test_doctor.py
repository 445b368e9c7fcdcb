from __future__ import annotations

import json

import pytest

from medtransfer.store.home import Home
from medtransfer.work import doctor

CHOICE = {"runtime": "torch", "precision": "fp32", "device": "cpu"}


def _answering(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(doctor, "SELF_TEST", ("-c", f"print({text!r})"))


def test_a_machine_whose_runtimes_agree_is_healthy(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    _answering(monkeypatch, json.dumps({"checks": [{"choice": CHOICE, "ok": True}]}))
    diagnosis = doctor.examine(home)
    assert diagnosis.healthy
    assert diagnosis.host["cores"]
    assert diagnosis.packages["numpy"]


def test_a_runtime_that_fails_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    _answering(monkeypatch, json.dumps({"checks": [{"choice": CHOICE, "ok": False}]}))
    diagnosis = doctor.examine(home)
    assert not diagnosis.healthy
    assert "torch fp32 on cpu" in diagnosis.problem


@pytest.mark.parametrize("text", ["", "Traceback: no module named torch", "[]", "{}"])
def test_no_answer_is_said_with_what_to_do(home: Home, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    _answering(monkeypatch, text)
    diagnosis = doctor.examine(home)
    assert not diagnosis.healthy
    assert "medtransfer[worker]" in diagnosis.problem
