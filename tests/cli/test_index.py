from __future__ import annotations

import json

from medtransfer.store import index
from medtransfer.store.answers import Answer
from medtransfer.store.home import Home
from tests.cli.conftest import Command


def test_the_index_is_shown_and_cleared(command: Command, home: Home) -> None:
    with index.opened(home) as opened:
        opened.keep(home.root, {"a": index.Row("1", Answer(None))})
    shown = json.loads(command("index", "show", "--json").out)
    assert (shown["folders"], shown["files"]) == (1, 1)
    assert "files 1, folders 1" in command("index", "show").out
    assert command("index", "clear").code == 0
    assert json.loads(command("index", "show", "--json").out)["files"] == 0


def test_an_index_that_is_not_there_yet_is_empty(command: Command) -> None:
    assert command("index", "clear").code == 0
    assert json.loads(command("index", "show", "--json").out)["files"] == 0
