"""The report on paper says what the screen says, and nothing on it is cut off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medtransfer.errors import EnvironmentFailure
from medtransfer.gui import theme
from medtransfer.gui.read import pdf, report
from medtransfer.gui.read.report import Report
from medtransfer.result.model import (
    Contribution,
    Finding,
    Passport,
    Result,
    Segmentation,
    SimilarCase,
    SourceInfo,
    Structure,
)
from medtransfer.study.model import Image, Window


def passport() -> Passport:
    return Passport(
        plugin="test.echo",
        plugin_version="1",
        model="m",
        model_sha256="0" * 64,
        parameters={},
        versions={},
        device="cpu",
        runtime="torch",
        seed=1,
        created="2026-01-01T00:00:00+00:00",
    )


def findings(count: int) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            label=f"f{number}",
            name=f"Finding {number}",
            probability=0.9,
            threshold=0.5,
            positive=True,
            calibrated=True,
            uncertainty=0.05,
        )
        for number in range(count)
    )


def content(result: Result) -> pdf.Content:
    return pdf.Content(result, np.zeros((60, 80, 3), np.uint8), None, "Left eye", {"f0": "right"})


def test_long_reports_go_on_on_further_pages(tmp_path: Path) -> None:
    pdf.write(content(Result(findings(2), SourceInfo(), passport())), tmp_path / "short.pdf")
    pdf.write(content(Result(findings(40), SourceInfo(), passport())), tmp_path / "long.pdf")
    pages = [(tmp_path / name).read_bytes().count(b"/Type /Page\n") for name in ("short.pdf", "long.pdf")]
    assert pages[0] == 1
    assert pages[1] >= 3


def test_every_paragraph_gets_the_height_of_its_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heights: list[float] = []
    written = pdf._Sheet.text

    def spy(sheet: pdf._Sheet, text: str, *style: object, **more: object) -> None:
        before = sheet.y
        written(sheet, text, *style, **more)  # type: ignore[arg-type]  # handed through unchanged
        heights.append(sheet.y - before)

    monkeypatch.setattr(pdf._Sheet, "text", spy)
    pdf.write(content(Result(findings(2), SourceInfo(), passport())), tmp_path / "r.pdf")
    assert min(heights) > pdf.mm(3)


def test_cases_most_alike_are_printed_with_their_pictures_for_what_was_called_present(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    text = pdf._Sheet.text

    def spy(sheet: pdf._Sheet, words: str, *style: object, **more: object) -> None:
        written.append(words)
        text(sheet, words, *style, **more)  # type: ignore[arg-type]  # handed through unchanged

    monkeypatch.setattr(pdf._Sheet, "text", spy)
    keys = [f"{number:016x}" for number in range(2)]
    compared = {
        "similar": tuple(SimilarCase(case=key, distance=0.5) for key in keys),
        "contributions": (Contribution(name="A: network", kind="component", contribution=-0.2),),
    }
    noise = dict.fromkeys(keys, np.random.default_rng(1).integers(0, 256, (128, 128, 3), np.uint8))
    sizes = {}
    for name, positive, pictures in (("with", True, noise), ("without", True, {}), ("absent", False, noise)):
        (finding,) = findings(1)
        shown = finding.model_copy(update={**compared, "positive": positive})
        pdf.write(content(Result((shown,), SourceInfo(), passport(), pictures=pictures)), tmp_path / f"{name}.pdf")
        sizes[name] = (tmp_path / f"{name}.pdf").stat().st_size
    assert sizes["with"] > sizes["without"] + 20_000, "noise does not compress"
    assert sizes["with"] > sizes["absent"] + 20_000
    assert "What each part adds to the probability: A: network \u22120.20." in written
    assert any("Distance 0.50, case 00000000" in words for words in written), "listed where no pictures were kept"


def test_a_volume_is_reported_as_the_slice_on_the_screen_with_its_structures(tmp_path: Path) -> None:
    values = np.zeros((3, 4, 5), np.int16)
    values[2] = 100
    labels = np.zeros(values.shape, np.uint8)
    labels[2, 1, 1] = 1
    image = Image(values, "zyx", "CT", "HU", affine=np.eye(4))
    bone = Structure(label="bone", name="Bone", value=1, volume_ml=1.0, colour="#ff0000")
    result = Result((), SourceInfo(), passport(), segmentation=Segmentation(labels, (bone,)))
    shown = report.picture(Report(tmp_path, result, image, 2, Window(50.0, 101.0), None, "", {}))
    assert shown.shape == (4, 5, 3)
    assert shown[0, 0].tolist() == [255, 255, 255]
    assert shown[1, 1, 0] == 255
    assert shown[1, 1, 1] < 200


def test_a_report_that_cannot_be_written_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    image = Image(np.zeros((4, 5, 3), np.uint8), "yxc", "OP", "display", "rgb")
    result = Result(findings(1), SourceInfo(), passport())
    target = tmp_path / "absent" / "r.pdf"
    with pytest.raises(EnvironmentFailure, match="could not be written"):
        report.write(Report(tmp_path, result, image, 0, None, None, "", {}), target, "pdf")
    assert list(tmp_path.iterdir()) == []


def test_paper_is_white_in_the_dark_theme_too() -> None:
    assert theme.current() == "dark"
    assert pdf.ink("text").lightnessF() < 0.3
