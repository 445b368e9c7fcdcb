"""Names and descriptions in every character set of PS3.3 C.12.1.1.2, and in files that state theirs wrongly."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydicom.data import get_charset_files
from pydicom.tag import Tag

from medtransfer import study
from medtransfer.store.answers import examine, header_of
from medtransfer.study.dicom import read_header
from medtransfer.study.limits import DEFAULT
from tests.study.builders import ct_slice, save

# pydicom's test files come from PS3.5 annexes H to K and from dicomtools.com; the names are those printed there.
NAMES = {
    "chrArab.dcm": "قباني^لنزار",
    "chrFren.dcm": "Buc^Jérôme",
    "chrFrenMulti.dcm": "Buc^Jérôme",
    "chrGerm.dcm": "Äneas^Rüdiger",
    "chrGreek.dcm": "Διονυσιος",
    "chrH31.dcm": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "chrH32.dcm": "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    "chrHbrw.dcm": "שרון^דבורה",
    "chrI2.dcm": "Hong^Gildong=洪^吉洞=홍^길동",
    "chrRuss.dcm": "Люкceмбypг",  # noqa: RUF001 - it is written so, with Latin letters in it
    "chrX1.dcm": "Wang^XiaoDong=王^小東",
    "chrX2.dcm": "Wang^XiaoDong=王^小东",
}
# Defined terms, and the bytes of a text in each: what a workstation of that country writes.
TEXTS: dict[str, tuple[list[str], str, bytes]] = {
    "ascii": ([], "Knee left", b"Knee left"),
    "latin 1": (["ISO_IR 100"], "Schädel, Übersicht", "Schädel, Übersicht".encode("latin-1")),
    "latin 2": (["ISO_IR 101"], "Lékař Žižka", "Lékař Žižka".encode("iso8859-2")),
    "latin 5": (["ISO_IR 148"], "Göğüs ağrısı", "Göğüs ağrısı".encode("iso8859-9")),  # noqa: RUF001
    "cyrillic": (["ISO_IR 144"], "Грудная клетка", "Грудная клетка".encode("iso8859-5")),
    "thai": (["ISO_IR 166"], "ทรวงอก", "ทรวงอก".encode("tis-620")),
    "katakana": (["ISO_IR 13"], "ｷｮｳﾌﾞ", "ｷｮｳﾌﾞ".encode("shift_jis")),
    "utf-8": (["ISO_IR 192"], "胸部 Ärzte 흉부", "胸部 Ärzte 흉부".encode()),
    "gb18030": (["GB18030"], "胸部扫描 㐀", "胸部扫描 㐀".encode("gb18030")),
    "gbk": (["GBK"], "胸部扫描", "胸部扫描".encode("gbk")),
    "kanji": (["", "ISO 2022 IR 87"], "胸部 CT", b"\x1b$B" + "胸部".encode("euc_jp").translate(
        bytes(byte & 0x7F for byte in range(256))) + b"\x1b(B CT"),
    "hangul": (["", "ISO 2022 IR 149"], "흉부 CT", b"\x1b$)C" + "흉부".encode("euc_kr") + b" CT"),
    "hanzi": (["", "ISO 2022 IR 58"], "胸部 CT", b"\x1b$)A" + "胸部".encode("gb2312") + b" CT"),
}  # fmt: skip


def write(path: Path, charset: Any, name: bytes, description: bytes) -> Path:
    """Write a slice with these very bytes in the file, whatever pydicom would say of them."""
    marks = {
        "PatientName": b"N" * (len(name) + len(name) % 2),
        "SeriesDescription": b"D" * (len(description) + len(description) % 2),
    }
    made = ct_slice(np.zeros((4, 6), np.uint16), (0, 0, 0))
    made.SpecificCharacterSet = charset
    for keyword, mark in marks.items():
        made[Tag(keyword)] = type(made["PatientID"])(
            Tag(keyword), "PN" if keyword == "PatientName" else "LO", mark.decode()
        )
    save(made, path)
    content = path.read_bytes()
    for mark, text in zip(marks.values(), (name, description), strict=True):
        assert content.count(mark) >= 1 or not mark
        content = content.replace(mark, text.ljust(len(mark)), 1) if mark else content
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(("file", "name"), NAMES.items())
def test_the_names_of_the_standard_are_read(file: str, name: str) -> None:
    (path,) = get_charset_files(file)
    assert read_header(Path(path), DEFAULT).patient.name == name


@pytest.mark.parametrize("kind", TEXTS)
def test_names_and_descriptions_are_read_in_every_character_set(tmp_path: Path, kind: str) -> None:
    charset, text, stored = TEXTS[kind]
    path = write(tmp_path / "a.dcm", charset, stored, stored)
    found = study.open(path)[0]
    assert (found.patient.name, found.series[0].description) == (text, text)


def test_the_index_keeps_them(tmp_path: Path) -> None:
    for number, (charset, text, stored) in enumerate(TEXTS.values()):
        path = write(tmp_path / f"{number}.dcm", charset, stored, stored)
        answer = examine(path)
        assert answer is not None
        assert header_of(answer, path).patient.name == text


@pytest.mark.parametrize(
    "charset", ["NONSENSE", "ISO 2022 IR 999", ["", "NONSENSE"], ["ISO_IR 192", "ISO 2022 IR 87"], "ISO-IR 100", "utf8"]
)
@pytest.mark.parametrize("stored", [b"M\xfcller^Anna", b"\x1b$Bx", b"\xff\xfe\x80", b"\x1b"])
def test_a_wrong_character_set_stops_nothing_and_says_nothing(
    tmp_path: Path, charset: Any, stored: bytes, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, when it writes the wrong charset
        path = write(tmp_path / "a.dcm", charset, stored, stored)
    caplog.clear()
    capfd.readouterr()
    with caplog.at_level(logging.DEBUG):
        found = study.open(path)[0]
    assert found.series[0].image().array.shape == (1, 4, 6)
    assert isinstance(found.patient.name, str)
    assert found.patient.id == "MRN-4711"
    assert not caplog.text
    assert not any(capfd.readouterr())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(TEXTS)), st.binary(min_size=1, max_size=20).filter(lambda text: b"\\" not in text))
@example("ascii", b"1.2.840.10008.1.3.10")  # the name of another kind of file
def test_any_bytes_in_any_character_set_open(tmp_path: Path, kind: str, stored: bytes) -> None:
    path = write(tmp_path / "a.dcm", TEXTS[kind][0], stored, stored)
    assert study.open(path)[0].series[0].image().array.shape == (1, 4, 6)
