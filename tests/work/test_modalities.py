from __future__ import annotations

from medtransfer.work.modalities import in_words


def test_codes_are_said_in_words_each_once() -> None:
    assert in_words(["CR", "DX", "CT"]) == "radiographs, CT"


def test_a_code_without_words_stands_for_itself() -> None:
    assert in_words(["OP", "NM"]) == "photographs of the eye, NM"


def test_codes_that_tell_nothing_are_said_only_where_there_is_nothing_else() -> None:
    assert in_words(["OP", "OT", "SC"]) == "photographs of the eye"
    assert in_words(["OT"]) == "OT"
