"""Whether a trio answers and whether pictures go with the model: asked in plain words, and never kept unasked."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from medtransfer import cohort
from medtransfer.contract.recipe import Recipe
from medtransfer.gui.context import Context
from medtransfer.gui.learn.recipe import MEASURING, RecipePage
from medtransfer.gui.learn.trio import TrioChoice
from medtransfer.work.planning import Examination, Wish
from tests.conftest import TableMaker


def test_pictures_are_asked_about_where_they_would_be_kept_and_only_there(qtbot: QtBot) -> None:
    choice = TrioChoice()
    qtbot.addWidget(choice)
    choice.offer(Recipe())
    choice.show()
    assert choice.settings() == {"ensemble": "none"}
    assert not choice.pictures.isVisible()
    with qtbot.waitSignal(choice.changed):
        choice.trio.click()
    assert choice.pictures.isVisible()
    assert choice.settings() == {"ensemble": "trio", "keep_pictures": False}
    words = " ".join(label.text() for label in choice.findChildren(QLabel) if label.isVisible())
    assert "pictures of your patients" in words
    assert "consent" in words
    choice.pictures.click()
    assert choice.settings() == {"ensemble": "trio", "keep_pictures": True}
    choice.trio.click()
    choice.trio.click()
    assert choice.settings() == {"ensemble": "trio", "keep_pictures": False}, "a consent is not kept for later"


def test_a_plugin_whose_recipe_is_a_trio_begins_with_one_but_without_pictures(qtbot: QtBot) -> None:
    choice = TrioChoice()
    qtbot.addWidget(choice)
    choice.show()
    choice.offer(Recipe(ensemble="trio", keep_pictures=True))
    assert choice.settings() == {"ensemble": "trio", "keep_pictures": False}
    choice.hide()
    assert choice.settings() == {}


def test_the_time_is_estimated_for_what_is_chosen(
    context: Context, tmp_path: Path, make_table: TableMaker, qtbot: QtBot
) -> None:
    table = make_table(tmp_path / "clinic")
    page = RecipePage(context)
    qtbot.addWidget(page)
    page.show()
    cases = cohort.read(table)
    page.show_plan(Wish("test.echo", table), Examination(cases, (), None), ())
    qtbot.waitUntil(page.trio.isVisible)
    assert MEASURING not in {card.time.text() for card in page.cards.values()}
    page.trio.trio.click()
    assert {card.time.text() for card in page.cards.values()} == {MEASURING}
    qtbot.waitUntil(lambda: MEASURING not in {card.time.text() for card in page.cards.values()})
    assert page.trio.settings()["ensemble"] == "trio"
    page.show_plan(Wish("test.echo", table), Examination(cases, (), None), ())
    qtbot.waitUntil(page.trio.isVisible)
    assert page.trio.settings() == {"ensemble": "none"}, "other cases, asked anew"
