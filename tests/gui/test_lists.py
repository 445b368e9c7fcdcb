from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from medtransfer.gui import theme
from medtransfer.gui.lists import Entry, EntryList
from medtransfer.gui.tables import Table

ENTRIES = (Entry("a", "First", "one"), Entry("b", "Second", "two", "paused", "positive"), Entry("c", "Third", "three"))


def test_the_list_is_walked_by_keys_and_tells_whom_it_came_to(qtbot: QtBot) -> None:
    shown = EntryList("Things", "None yet.")
    qtbot.addWidget(shown)
    QAbstractItemModelTester(shown.model())
    shown.show_entries(ENTRIES)
    shown.select("a")
    with qtbot.waitSignal(shown.chosen) as chosen:
        qtbot.keyClick(shown, Qt.Key.Key_Down)
    assert chosen.args == ["b"]


def test_another_list_keeps_what_was_chosen_without_telling(qtbot: QtBot) -> None:
    shown = EntryList("Things", "None yet.")
    qtbot.addWidget(shown)
    shown.show_entries(ENTRIES)
    shown.select("b")
    with qtbot.assertNotEmitted(shown.chosen):
        shown.show_entries(ENTRIES[1:])
    assert shown.key() == "b"
    shown.show_entries(ENTRIES[2:])
    assert shown.key() == ""
    assert not shown.select("b")


def test_a_screen_reader_hears_the_mark_with_the_name(qtbot: QtBot) -> None:
    shown = EntryList("Things", "None yet.")
    qtbot.addWidget(shown)
    shown.show_entries(ENTRIES)
    assert shown.model().index(1, 0).data(Qt.ItemDataRole.AccessibleTextRole) == "Second, paused, two"


def test_a_marked_entry_shows_its_mark_in_its_colour(qtbot: QtBot) -> None:
    shown = EntryList("Things", "None yet.")
    qtbot.addWidget(shown)
    shown.resize(260, 200)
    shown.show_entries(ENTRIES)
    shown.show()
    image = shown.grab().toImage()
    found = {image.pixelColor(x, y).name() for y in range(image.height()) for x in range(40)}
    assert theme.colour("positive").name() in found


def test_a_table_says_its_cells_and_headings(qtbot: QtBot) -> None:
    table = Table("Figures", ["Finding", "AUROC"], [["Drusen", "0.91"], ["Haze", "0.80"]])
    qtbot.addWidget(table)
    QAbstractItemModelTester(table.model())
    assert table.cells() == (("Drusen", "0.91"), ("Haze", "0.80"))
    assert table.model().headerData(1, Qt.Orientation.Horizontal) == "AUROC"
