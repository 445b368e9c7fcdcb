"""The three reports: of a model, of a result, and of the demo, which shows both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medtransfer.cohort.model import Problem
from medtransfer.contract.bundle import ModelBundle
from medtransfer.result import reading
from medtransfer.work.report import html
from medtransfer.work.report.model_sections import model_line, model_sections
from medtransfer.work.report.result_sections import NO_VERDICTS, is_synthetic, result_sections

NO_MODEL = "The model's card is not at hand: how good it is, nobody knows."


@dataclass(frozen=True, eq=False)
class Reading:
    """One analysed picture for a report.

    ``folder`` is the result folder, ``picture`` what :func:`medtransfer.study.display.rgb8` made of the image: uint8
    ``(y, x, 3)``. ``caption`` is what the reader should know about the picture.
    """

    folder: Path
    picture: NDArray[np.uint8]
    caption: str = ""


def evaluation_report(bundle: ModelBundle, path: Path, problems: Sequence[Problem] = ()) -> None:
    """Write the report of a model: how good, on whom, what was noticed about the data, what it is made of.

    Parameters
    ----------
    bundle
        The model; without an evaluation the report says that nobody knows how good it is.
    path
        The HTML file to write.
    problems
        What the checks of the cohort found.
    """
    card = bundle.card
    page = html.page(
        f"Model {card.name}", model_line(card), model_sections(bundle, problems), synthetic=card.data.synthetic
    )
    html.write(page, path)


def result_report(
    result_folder: Path,
    picture: NDArray[np.uint8],
    bundle: ModelBundle | None,
    path: Path,
    caption: str = "",
    verdicts: Mapping[str, str] = NO_VERDICTS,
) -> None:
    """Write the report of one result: the picture beside its heat maps, the findings, notices and the passport.

    Raises
    ------
    DataError
        When the result folder is incomplete or damaged.
    """
    result = reading.read(result_folder)
    card = bundle.card if bundle else None
    page = html.page(
        "What was found",
        model_line(card) if card else NO_MODEL,
        result_sections(result, picture, caption, card, verdicts),
        synthetic=is_synthetic(result) or (card is not None and card.data.synthetic),
    )
    html.write(page, path)


def demo_report(bundle: ModelBundle, readings: Sequence[Reading], problems: Sequence[Problem], path: Path) -> None:
    """Write one page with the analysed pictures first and the model that answered after them.

    Raises
    ------
    DataError
        When a result folder is incomplete or damaged.
    """
    results = [(entry, reading.read(entry.folder)) for entry in readings]
    card = bundle.card
    sections = [
        part for entry, result in results for part in result_sections(result, entry.picture, entry.caption, card)
    ]
    page = html.page(
        "Demo: adapt a network, then read with it",
        model_line(card),
        [*sections, *model_sections(bundle, problems)],
        synthetic=card.data.synthetic or any(is_synthetic(result) for _, result in results),
    )
    html.write(page, path)
