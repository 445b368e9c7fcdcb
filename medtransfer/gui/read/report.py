"""The report of what is shown: the same content as a page for the browser and as pages for paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medtransfer.contract.bundle import ModelBundle
from medtransfer.errors import EnvironmentFailure
from medtransfer.gui.read import pdf
from medtransfer.result.model import Result
from medtransfer.study import display
from medtransfer.study.model import Image, Window
from medtransfer.work.report import pictures, result_report

Kind = Literal["html", "pdf"]


@dataclass(frozen=True, eq=False)
class Report:
    """Everything that a report says.

    ``index`` and ``window`` choose what is shown of a volume: the axial slice, and the window on the screen.
    ``verdicts`` are the reader's, by label.
    """

    folder: Path
    result: Result
    image: Image
    index: int
    window: Window | None
    bundle: ModelBundle | None
    caption: str
    verdicts: Mapping[str, str]


def write(report: Report, path: Path, kind: Kind) -> Path:
    """Write the report, complete or not at all, and return where it is.

    Raises
    ------
    DataError
        When the result folder was removed or damaged meanwhile.
    EnvironmentFailure
        When the file cannot be written.
    """
    shown = picture(report)
    try:
        if kind == "html":
            result_report(report.folder, shown, report.bundle, path, report.caption, report.verdicts)
        else:
            card = report.bundle.card if report.bundle else None
            pdf.write(pdf.Content(report.result, shown, card, report.caption, report.verdicts), path)
    except OSError as error:
        raise EnvironmentFailure(
            "the report could not be written",
            code="report.write",
            hint="Choose another folder, or free some space.",
            subject=path.name,
        ) from error
    return path


def picture(report: Report) -> NDArray[np.uint8]:
    """Return the picture as the report shows it, uint8 ``(y, x, 3)``; of a volume one slice with its structures."""
    image = report.image
    if not image.is_volume:
        return display.rgb8(image)
    values = image.array[report.index]
    window = report.window or (image.windows[0] if image.windows else display.percentile_window(values, image.padding))
    grey = display.windowed(values, window)
    shown: NDArray[np.uint8] = np.repeat(grey[..., np.newaxis], 3, axis=2)
    segmentation = report.result.segmentation
    if segmentation is None:
        return shown
    return pictures.labelled(shown, segmentation.array[report.index], segmentation.structures)
