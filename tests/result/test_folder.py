"""Writing a result and reading it back."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image as Picture

from medtransfer.errors import DataError, UserError
from medtransfer.result.colour import inferno
from medtransfer.result.compare import differences
from medtransfer.result.model import RESEARCH_USE_ONLY, Heatmap
from medtransfer.result.reading import read
from medtransfer.result.writing import write
from tests.result.results import passport, result, segmented


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write(result(), tmp_path / "out")
    back = read(tmp_path / "out")
    assert differences(result(), back) == []
    assert back.findings == result().findings
    assert back.notices == result().notices
    assert back.passport == result().passport
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"result.json", "heatmap-dr.npy", "heatmap-dr.png"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "a temporary folder was left behind"


def test_document_keeps_the_names_that_scripts_rely_on(tmp_path: Path) -> None:
    write(result(), tmp_path / "out")
    document = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert document["research_use_only"] == RESEARCH_USE_ONLY
    assert {"findings", "structures", "notices", "source", "passport", "heatmaps"} <= set(document)
    assert {"label", "name", "probability", "threshold", "positive", "uncertainty"} <= set(document["findings"][0])
    assert document["source"]["names"] == ["photo.jpg"]
    assert document["heatmaps"][0]["file"] == "heatmap-dr.npy"


def test_picture_of_a_heat_map_has_inferno_colours(tmp_path: Path) -> None:
    write(result(), tmp_path / "out")
    with Picture.open(tmp_path / "out" / "heatmap-dr.png") as picture:
        assert np.array_equal(np.asarray(picture), inferno(result().heatmaps[0].array))


def test_label_map_lies_where_the_image_lies(tmp_path: Path) -> None:
    # Slices along z: k -> z 2 mm, j -> y 1 mm, i -> x 0.5 mm, origin (10, 20, 30) in LPS.
    affine = np.array([[0, 0, 0.5, 10], [0, 1, 0, 20], [2, 0, 0, 30], [0, 0, 0, 1]], dtype=np.float64)
    write(segmented(), tmp_path / "out", affine)
    image = nibabel.Nifti1Image.from_filename(tmp_path / "out" / "segmentation.nii.gz")
    expected = segmented().segmentation
    assert expected is not None
    k, j, i = 3, 2, 5
    assert int(np.asanyarray(image.dataobj)[i, j, k]) == int(expected.array[k, j, i])
    left, back, up, _ = affine @ [k, j, i, 1]
    assert np.allclose(image.affine @ [i, j, k, 1], [-left, -back, up, 1])
    assert differences(segmented(), read(tmp_path / "out")) == []


def test_same_result_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(segmented(), tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_results_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        write(result(), tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_nothing_is_left_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space left"):
        write(result(), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_label_never_becomes_a_path(tmp_path: Path) -> None:
    heatmap = result().heatmaps[0]
    bad = Heatmap(heatmap.info.model_copy(update={"label": "../../evil"}), heatmap.array)
    with pytest.raises(DataError) as error:
        write(replace(result(), heatmaps=(bad,)), tmp_path / "out")
    assert error.value.code == "result.label"
    assert list(tmp_path.iterdir()) == []


def test_folder_without_a_result(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no result"):
        read(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("name", ["result.json", "heatmap-dr.npy"])
def test_truncated_file_is_named(tmp_path: Path, name: str, share: float) -> None:
    write(result(), tmp_path / "out")
    path = tmp_path / "out" / name
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError) as error:
        read(tmp_path / "out")
    assert error.value.code == "result.damaged"
    assert error.value.subject == name


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_truncated_label_map_is_named(tmp_path: Path, share: float) -> None:
    write(segmented(), tmp_path / "out")
    path = tmp_path / "out" / "segmentation.nii.gz"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError) as error:
        read(tmp_path / "out")
    assert error.value.subject == "segmentation.nii.gz"


def test_label_map_of_another_kind_is_refused(tmp_path: Path) -> None:
    write(segmented(), tmp_path / "out")
    path = tmp_path / "out" / "segmentation.nii.gz"
    header = bytearray(gzip.decompress(path.read_bytes()))
    header[70:72] = (256).to_bytes(2, "little")  # the field `datatype`: signed bytes (NIfTI-1, code 256)
    path.write_bytes(gzip.compress(bytes(header)))
    with pytest.raises(DataError, match="not a map of label numbers"):
        read(tmp_path / "out")


def test_array_that_needs_unpickling_is_refused(tmp_path: Path) -> None:
    write(result(), tmp_path / "out")
    np.save(tmp_path / "out" / "heatmap-dr.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError) as error:
        read(tmp_path / "out")
    assert error.value.code == "result.damaged"


def test_newer_format_and_unknown_keys_are_refused(tmp_path: Path) -> None:
    write(result(), tmp_path / "out")
    path = tmp_path / "out" / "result.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, "format": 2}), encoding="utf-8")
    with pytest.raises(DataError, match="format 2"):
        read(tmp_path / "out")
    path.write_text(json.dumps({**document, "shape": 1}), encoding="utf-8")
    with pytest.raises(DataError, match="shape"):
        read(tmp_path / "out")


def test_differences_ignore_when_and_how_long() -> None:
    other = replace(result(), passport=passport(duration_s=99.0, created="2031-01-01T00:00:00+00:00"))
    assert differences(result(), other) == []


def test_differences_name_each_change() -> None:
    a = result()
    heatmap = a.heatmaps[0]
    nudged = heatmap.array.copy()
    nudged[0, 0] = np.nextafter(nudged[0, 0], np.float32(2))
    changed = replace(
        a,
        findings=(a.findings[0].model_copy(update={"probability": np.nextafter(0.94, 1)}),),
        heatmaps=(replace(heatmap, array=nudged),),
        notices=(),
        source=a.source.model_copy(update={"names": ("name-of-a-patient.jpg",)}),
        passport=a.passport.model_copy(update={"runtime": "torch"}),
    )
    lines = differences(a, changed)
    assert len(lines) == 6
    text = "\n".join(lines)
    assert "finding 'dme' is missing now" in text
    assert "finding 'dr': probability was 0.94" in text
    assert "heat map 'dr': 1 of 192 values differ" in text
    assert "notice 'quality.focus' is missing now" in text
    assert "passport: runtime was 'openvino', is 'torch'" in text
    assert "source: names differs" in text
    assert "name-of-a-patient" not in text


def test_differences_see_a_changed_or_missing_label_map() -> None:
    assert differences(segmented(0), segmented(1))[0].startswith("label map: ")
    assert "the label map is missing now" in differences(segmented(), replace(segmented(), segmentation=None))
