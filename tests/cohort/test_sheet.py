from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from medtransfer.cohort import sheet
from medtransfer.errors import DataError


def _packed(folder: Path, text: str) -> Path:
    path = folder / "table.csv.gz"
    path.write_bytes(gzip.compress(text.encode("utf-16")))
    return path


def test_a_packed_table_is_unpacked(tmp_path: Path) -> None:
    read = sheet.read(_packed(tmp_path, "image;patient\na.png;M\u00fcller\n"))
    assert read.headings == ("image", "patient")
    assert read.rows[0].cells == ("a.png", "M\u00fcller")


def test_unpacking_ends_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "MAXIMUM_BYTES", 1000)
    path = _packed(tmp_path, "image,patient\n" + "a.png,b\n" * 10_000)
    assert path.stat().st_size < 1000
    with pytest.raises(DataError) as refused:
        sheet.read(path)
    assert refused.value.code == "table.size"
