"""How the end of a process is put into words."""

from __future__ import annotations

import os
import signal

import pytest

from medtransfer.hosting.death import died


@pytest.mark.parametrize(("code", "words"), [(0, "exit code 0"), (3, "exit code 3"), (None, "broke off")])
def test_an_exit_names_its_code(code: int | None, words: str) -> None:
    assert words in died(code, 10.0, []).message


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGKILL, "SIGKILL) while holding 1,234 MiB; most often the system does that when memory runs out"),
        (signal.SIGSEGV, "native code (SIGSEGV)"),
        (signal.SIGTERM, "ended by SIGTERM"),
    ],
)
def test_a_signal_is_named(number: signal.Signals, words: str) -> None:
    assert words in died(-number, 1234.4, []).message


def test_windows_codes_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medtransfer.hosting.death.sys.platform", "win32")
    assert "access violation" in died(0xC0000005, 1.0, []).message
    assert "memory" in died(-0x3FFFFFE9, 1.0, []).message


def test_the_last_lines_are_for_the_screen() -> None:
    error = died(1, 1.0, ["first", "second"])
    assert error.__notes__ == ["The last lines of the plug-in's process:\nfirst\nsecond"]
    assert "second" not in error.message + error.hint
    assert error.shown().endswith("first\nsecond")
