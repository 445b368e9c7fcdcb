from __future__ import annotations

from medtransfer.work.modalities import in_words


def test_codes_are_said_in_words_each_once() -> None:
    assert in_words(["CR", "DX", "CT"]) == "radiographs, CT"


def test_a_code_without_words_stands_for_itself() -> None:
    assert in_words(["OP", "NM"]) == "ophthalmic photographs, NM"
