"""Similar cases, contributions and maps of parts in a result folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from medtransfer.errors import DataError
from medtransfer.result.compare import differences
from medtransfer.result.model import Contribution, Heatmap, Result, SimilarCase
from medtransfer.result.reading import MAXIMUM_PICTURE, read
from medtransfer.result.writing import write
from tests.result.results import result

KEY, OTHER = f"{0xABC:016x}", f"{0xDEF:016x}"
PICTURE = f"similar-{KEY}.png"


def compared() -> Result:
    plain = result()
    finding = plain.findings[0].model_copy(
        update={
            "similar": (SimilarCase(case=KEY, distance=0.25), SimilarCase(case=OTHER, distance=0.5)),
            "contributions": (
                Contribution(name="A", kind="component", contribution=-0.25),
                Contribution(name="Trees", kind="learner", probability=0.75),
            ),
        }
    )
    part = Heatmap(plain.heatmaps[0].info.model_copy(update={"part": "a"}), plain.heatmaps[0].array * np.float32(0.5))
    pixels = np.random.default_rng(3).integers(0, 256, (128, 128, 3), np.uint8)
    return replace(
        plain,
        findings=(finding, *plain.findings[1:]),
        heatmaps=(*plain.heatmaps, part),
        pictures={KEY: pixels},
    )


def test_they_are_written_and_read_back(tmp_path: Path) -> None:
    before = compared()
    write(before, tmp_path / "out")
    document = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert document["findings"][0]["similar"] == [
        {"case": KEY, "distance": 0.25, "picture": PICTURE},
        {"case": OTHER, "distance": 0.5, "picture": ""},
    ]
    assert document["findings"][0]["contributions"][0]["contribution"] == -0.25
    assert [entry["file"] for entry in document["heatmaps"]] == ["heatmap-dr.npy", "heatmap-dr-a.npy"]
    again = read(tmp_path / "out")
    assert np.array_equal(again.pictures[KEY], before.pictures[KEY])
    assert np.array_equal(again.heatmaps[1].array, before.heatmaps[1].array)
    write(again, tmp_path / "twice")
    assert differences(again, read(tmp_path / "twice")) == []


def test_a_part_whose_map_changed_is_told(tmp_path: Path) -> None:
    before = compared()
    other = replace(before.heatmaps[1], array=before.heatmaps[1].array + np.float32(0.125))
    assert differences(before, replace(before, heatmaps=(before.heatmaps[0], other))) == [
        "heat map 'dr a': 192 of 192 values differ"
    ]
    assert differences(before, replace(before, heatmaps=before.heatmaps[:1])) == ["heat map 'dr a' is missing now"]


@pytest.mark.parametrize("part", ["../evil", "ab", "A", "a\n"])
def test_a_part_never_becomes_a_path(tmp_path: Path, part: str) -> None:
    before = compared()
    bad = replace(before.heatmaps[1], info=before.heatmaps[1].info.model_copy(update={"part": part}))
    with pytest.raises(DataError) as error:
        write(replace(before, heatmaps=(bad,)), tmp_path / "out")
    assert error.value.code == "result.label"
    write(before, tmp_path / "out")
    file = tmp_path / "out" / "result.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    document["heatmaps"][1]["part"] = part
    file.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(DataError):
        read(tmp_path / "out")


@pytest.mark.parametrize("key", ["../../etc/passwd", KEY.upper(), KEY[:-1]])
def test_a_case_never_becomes_a_path(tmp_path: Path, key: str) -> None:
    write(compared(), tmp_path / "out")
    file = tmp_path / "out" / "result.json"
    file.write_text(file.read_text(encoding="utf-8").replace(f'"{KEY}"', json.dumps(key)), encoding="utf-8")
    with pytest.raises(DataError):
        read(tmp_path / "out")


def test_a_picture_that_is_missing_or_none_or_too_large_is_named(tmp_path: Path) -> None:
    write(compared(), tmp_path / "out")
    path = tmp_path / "out" / PICTURE
    whole = path.read_bytes()
    jpeg = tmp_path / "picture.jpg"
    Pillow.new("RGB", (8, 8)).save(jpeg)
    large = tmp_path / "large.png"
    Pillow.new("RGB", (MAXIMUM_PICTURE + 1, 1)).save(large)
    for content in (None, b"", whole[: len(whole) // 2], jpeg.read_bytes(), large.read_bytes()):
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        with pytest.raises(DataError) as error:
            read(tmp_path / "out")
        assert error.value.code == "result.damaged"
        assert error.value.subject == PICTURE
