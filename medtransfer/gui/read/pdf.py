"""The report on paper: A4, drawn piece by piece from the top, a new page where a piece does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QMarginsF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPageSize, QPainter, QPdfWriter

from medtransfer.contract.bundle import BundleCard
from medtransfer.gui import theme
from medtransfer.gui.read import words
from medtransfer.gui.read.findings import paint_bar
from medtransfer.result.model import RESEARCH_USE_ONLY, Finding, Heatmap, Result
from medtransfer.work.report import numbers, pictures
from medtransfer.work.report.documents import NO_MODEL
from medtransfer.work.report.model_sections import label_line, model_line

_DPI = 600
_MARGIN_MM = 18.0
_WRAP = Qt.TextFlag.TextWordWrap
_LARGEST_SIDE = 1400
"""Pixels of a picture on paper: 85 mm at 400 dots per inch."""


@dataclass(frozen=True, eq=False)
class Content:
    """What is printed. ``picture`` is uint8 ``(y, x, 3)``, on the grid of the heat maps; ``verdicts`` go by label."""

    result: Result
    picture: NDArray[np.uint8]
    card: BundleCard | None
    caption: str
    verdicts: Mapping[str, str]


def write(content: Content, path: Path) -> None:
    """Print the report of one result to a PDF file, complete or not at all.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        sheet = _Sheet(partial)
        _head(sheet, content)
        _pictures(sheet, content)
        _notices(sheet, content.result)
        _findings(sheet, content)
        _structures(sheet, content)
        _passport(sheet, content.result)
        sheet.end()
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


class _Sheet:
    """The page in work and how far down it is filled, in units of 1/600 inch."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self._writer = QPdfWriter(str(path))
        self._writer.setResolution(_DPI)
        self._writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
        self._writer.setPageMargins(QMarginsF(_MARGIN_MM, _MARGIN_MM, _MARGIN_MM, _MARGIN_MM))
        self._writer.setTitle("medtransfer: what was found")
        self._writer.setCreator("medtransfer")
        self.painter = QPainter(self._writer)
        if not self.painter.isActive():
            raise OSError("the file cannot be written")
        self.width = float(self._writer.width())
        self._height = float(self._writer.height())
        self.y = 0.0
        self._foot()

    def need(self, height: float) -> None:
        """Start a new page where less than this is left."""
        if self.y + height > self._height - mm(8):
            self._writer.newPage()
            self.y = 0.0
            self._foot()

    def text(
        self, text: str, size: float = 9.0, weight: int = theme.REGULAR, role: str = "text", left: float = 0.0
    ) -> None:
        """Write a paragraph."""
        self.painter.setFont(font(size, weight))
        self.painter.setPen(ink(role))  # before measuring: without a pen text has no size
        box = QRectF(left, self.y, self.width - left, self._height)
        height = self.painter.boundingRect(box, _WRAP, text).height()
        self.need(height)
        self.painter.setFont(font(size, weight))
        self.painter.setPen(ink(role))
        self.painter.drawText(QRectF(left, self.y, self.width - left, height + mm(1)), _WRAP, text)
        self.y += height + mm(1)

    def heading(self, text: str) -> None:
        """Write the heading of a part, with room for what follows."""
        self.need(mm(24))
        self.y += mm(4)
        self.text(text.upper(), 7.5, theme.SEMIBOLD, "muted")
        self.y += mm(1)

    def end(self) -> None:
        """Finish the file."""
        self.painter.end()

    def _foot(self) -> None:
        self.painter.setFont(font(7.5))
        self.painter.setPen(ink("danger"))
        line = QRectF(0, self._height - mm(5), self.width, mm(5))
        self.painter.drawText(line, Qt.AlignmentFlag.AlignLeft, RESEARCH_USE_ONLY)


def mm(value: float) -> float:
    """Return millimetres in the sheet's units."""
    return value * _DPI / 25.4


_SIMILAR = mm(34)
"""Side of the picture of a similar case: 95 dots per inch, which is what such pictures have."""


def ink(role: str) -> QColor:
    """Return the colour of a role on white paper, whatever theme the window has."""
    return QColor(theme.COLOURS["light"][role])


def font(points: float, weight: int = theme.REGULAR) -> QFont:
    """Return the window's font in a size for paper."""
    chosen = theme.font(weight=weight)
    chosen.setPointSizeF(points)
    return chosen


def _head(sheet: _Sheet, content: Content) -> None:
    sheet.text("medtransfer", 10, theme.SEMIBOLD, "accent")
    sheet.text("What was found", 18, theme.SEMIBOLD)
    sheet.text(model_line(content.card) if content.card else NO_MODEL, role="muted")
    sheet.text(RESEARCH_USE_ONLY, 9, theme.SEMIBOLD, "danger")


def _pictures(sheet: _Sheet, content: Content) -> None:
    sheet.heading(content.caption or "The picture")
    names = {finding.label: finding.name for finding in content.result.findings}
    shown = [(content.picture, "As analysed.")]
    for heatmap in content.result.heatmaps:
        if not heatmap.info.part and heatmap.array.shape == content.picture.shape[:2]:
            over = pictures.overlay(content.picture, heatmap.array)
            shown.append((over, _legend(heatmap, names.get(heatmap.info.label, heatmap.info.label))))
    gap = mm(4)
    width = (sheet.width - gap) / 2
    for first in range(0, len(shown), 2):
        _row(sheet, shown[first : first + 2], width, gap)


def _legend(heatmap: Heatmap, name: str) -> str:
    doubt = "" if words.worth_reading(heatmap.info) else "\nNo better than chance: do not read anything into it."
    title, maximum, trust = words.legend(heatmap.info, name)
    return f"{title}{words.DOT}{maximum}\n{trust}{doubt}"


def _row(sheet: _Sheet, shown: list[tuple[NDArray[np.uint8], str]], width: float, gap: float) -> None:
    """Draw one or two pictures beside each other, each with its caption."""
    rows, columns = shown[0][0].shape[:2]
    height = min(width * rows / columns, mm(100))
    sheet.need(height + mm(16))
    lowest = sheet.y
    for column, (pixels, caption) in enumerate(shown):
        left = column * (width + gap)
        drawn = height * columns / rows
        sheet.painter.drawImage(QRectF(left, sheet.y, drawn, height), _image(pixels))
        sheet.painter.setFont(font(7.5))
        sheet.painter.setPen(ink("muted"))
        below = QRectF(left, sheet.y + height + mm(1), width, mm(16))
        sheet.painter.drawText(below, _WRAP, caption)
        lowest = max(lowest, sheet.painter.boundingRect(below, _WRAP, caption).bottom())
    sheet.y = lowest + mm(3)


def _image(pixels: NDArray[np.uint8]) -> QImage:
    whole = np.ascontiguousarray(pixels)
    rows, columns = whole.shape[:2]
    image = QImage(whole.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888).copy()
    if max(rows, columns) <= _LARGEST_SIDE:
        return image
    return image.scaled(
        _LARGEST_SIDE, _LARGEST_SIDE, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )


def _notices(sheet: _Sheet, result: Result) -> None:
    for notice in result.notices:
        role = {"error": "danger", "warning": "positive"}.get(notice.level, "muted")
        sheet.text(f"{notice.level.capitalize()}: {notice.message}", role=role)


def _findings(sheet: _Sheet, content: Content) -> None:
    if not content.result.findings:
        return
    sheet.heading("Findings")
    for finding in sorted(content.result.findings, key=lambda entry: (not entry.positive, -entry.probability)):
        _finding(sheet, finding, content)
    sheet.text("Bar: probability. Upright mark: threshold. Pale band: uncertainty.", 7.5, role="muted")


def _finding(sheet: _Sheet, finding: Finding, content: Content) -> None:
    sheet.need(mm(20))
    painter = sheet.painter
    painter.setPen(ink("text"))
    line = QRectF(0, sheet.y, sheet.width, mm(5))
    painter.setFont(font(9.5, theme.SEMIBOLD))
    painter.drawText(line, Qt.AlignmentFlag.AlignLeft, finding.name)
    painter.drawText(line, Qt.AlignmentFlag.AlignRight, words.probability(finding))
    sheet.y += mm(6)
    paint_bar(painter, QRectF(0, sheet.y, sheet.width, mm(2)), finding, ink)
    sheet.y += mm(3.5)
    said = [words.call(finding)]
    if content.card is not None:
        said.append(label_line(content.card, finding.label))
    sheet.text(" ".join(said), 8, role="muted")
    verdict = content.verdicts.get(finding.label)
    if verdict:
        sheet.text(f"The reader's verdict: {verdict}.", 8)
    if finding.positive:
        _compared(sheet, finding, content.result)
    sheet.y += mm(2)


def _compared(sheet: _Sheet, finding: Finding, result: Result) -> None:
    """Write what a finding's components add, and draw the confirmed cases most alike, where there are any."""
    added = [
        f"{part.name} {numbers.signed(part.contribution)}"
        for part in finding.contributions
        if part.kind == "component" and part.contribution is not None
    ]
    if added:
        sheet.text(f"What each part adds to the probability: {'; '.join(added)}.", 8, role="muted")
    if not finding.similar:
        return
    captions = [f"Distance {numbers.figure(case.distance)}, case {case.case[:8]}" for case in finding.similar]
    drawn = [result.pictures.get(case.case) for case in finding.similar]
    if not any(pixels is not None for pixels in drawn):
        sheet.text(f"Confirmed cases most alike: {'; '.join(captions)}.", 8, role="muted")
        return
    sheet.need(_SIMILAR + mm(12))
    sheet.text("Confirmed cases most alike (training cases with this finding):", 8, role="muted")
    for place, (pixels, caption) in enumerate(zip(drawn, captions, strict=True)):
        left = place * (_SIMILAR + mm(6))
        if pixels is not None:
            sheet.painter.drawImage(QRectF(left, sheet.y, _SIMILAR, _SIMILAR), _image(pixels))
        sheet.painter.setFont(font(7))
        sheet.painter.setPen(ink("muted"))
        sheet.painter.drawText(QRectF(left, sheet.y + _SIMILAR + mm(1), _SIMILAR + mm(6), mm(4)), _WRAP, caption)
    sheet.y += _SIMILAR + mm(6)


def _structures(sheet: _Sheet, content: Content) -> None:
    segmentation = content.result.segmentation
    if segmentation is None:
        return
    sheet.heading("Structures")
    for structure in sorted(segmentation.structures, key=lambda entry: -entry.volume_ml):
        if structure.volume_ml > 0:
            sheet.text(f"{structure.name}: {words.structure_figures(structure)}")
    verdict = content.verdicts.get("")
    if verdict:
        sheet.text(f"The reader's verdict: {verdict}.")


def _passport(sheet: _Sheet, result: Result) -> None:
    passport = result.passport
    sheet.heading("How this came about")
    sheet.text(f"Plug-in {passport.plugin} {passport.plugin_version}, model {passport.model}")
    computed = f"{numbers.moment(passport.created)}, in {passport.duration_s:.1f} s on {passport.device}"
    sheet.text(f"Computed {computed}, {numbers.computed_by(passport)}; seed {passport.seed}")
    sheet.text(f"Model SHA-256 {passport.model_sha256}", 7.5, role="muted")
    sheet.text(f"Pixels SHA-256 {result.source.pixel_sha256}", 7.5, role="muted")
