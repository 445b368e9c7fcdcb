"""The command line, called in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from medtransfer.cli import main
from medtransfer.store.home import Home


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


Command = Callable[..., Answer]


@pytest.fixture
def command(home: Home, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``medtransfer`` with these arguments on an empty store."""

    def run(*arguments: object) -> Answer:
        code = main.run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return run
