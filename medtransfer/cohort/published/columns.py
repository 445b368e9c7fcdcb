"""The columns of a published table by heading, and the ways in which such tables write age and sex."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from medtransfer.cohort import sheet
from medtransfer.errors import DataError

ANSWERS = {"1": 1, "1.0": 1, "0": 0, "0.0": 0}
"""What tables write for present and absent."""
_SEXES = {"m": "male", "male": "male", "f": "female", "female": "female"}
_YEARS = re.compile(r"0*(\d{1,3})(?:\.0+)?Y?", re.IGNORECASE)
_BANDS = ((18, "under 18"), (40, "18 to 39"), (60, "40 to 59"), (80, "60 to 79"))
OLDEST = 120
"""ChestX-ray14 lists persons of up to 414 years: nothing above this is believed."""


class Columns:
    """A table's columns; headings are compared without case and without blanks at their ends."""

    def __init__(self, path: Path) -> None:
        content = sheet.read(path)
        self.name = path.name
        self.headings = tuple(heading.strip() for heading in content.headings)
        self._rows = content.rows
        self._positions = {heading.casefold(): position for position, heading in enumerate(self.headings)}

    def __len__(self) -> int:
        return len(self._rows)

    def position(self, *headings: str) -> int | None:
        """Return the position of the first of some headings that there is."""
        return next((self._positions[name] for name in map(str.casefold, headings) if name in self._positions), None)

    def texts(self, *headings: str) -> list[str]:
        """Return the cells of the first of some headings that there is.

        Raises
        ------
        DataError
            When there is none.
        """
        position = self.position(*headings)
        if position is None:
            raise DataError(
                f"the table has no column {headings[0]!r}; its columns are {', '.join(self.headings)}",
                code="published.column-missing",
                hint="Take the table as its authors published it.",
                subject=self.name,
            )
        return [row.cells[position] for row in self._rows]

    def texts_if_any(self, *headings: str) -> list[str]:
        """Return the cells of the first of some headings that there is, empty strings when there is none."""
        return self.texts(*headings) if self.position(*headings) is not None else [""] * len(self)

    def after(self, *headings: str) -> Sequence[str]:
        """Return the headings that are not among these."""
        folded = {heading.casefold() for heading in headings}
        return [heading for heading in self.headings if heading and heading.casefold() not in folded]


def person(sex: str, age: str) -> dict[str, str]:
    """Return sex and age as attributes of a case, without what is not known."""
    found = {"sex": _SEXES.get(sex.casefold(), ""), "age": age_band(age)}
    return {name: value for name, value in found.items() if value}


def age_band(age: str) -> str:
    """Return the band of an age such as ``58``, ``058Y`` or ``58.0``, in years; empty when it is none."""
    years = _YEARS.fullmatch(age)
    if years is None or not 0 < int(years[1]) <= OLDEST:
        return ""
    return next((name for below, name in _BANDS if int(years[1]) < below), "80 and older")
