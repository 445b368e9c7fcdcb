"""Every published data set that is read as it comes: how its folder is recognised, and who reads it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from medtransfer.cohort import sheet
from medtransfer.cohort.published import chestxray14, chexpert, covidx, idrid, mimic, odir, rfmid, vindr
from medtransfer.cohort.published.folder import Folder
from medtransfer.cohort.published.listing import Listing
from medtransfer.errors import DataError


@dataclass(frozen=True, slots=True)
class PublishedSet:
    """A data set.

    Attributes
    ----------
    name
        What people call it.
    table
        Regular expression: the whole name of each of its tables, in any case.
    first_line
        Regular expression that the first line of such a table starts with: other tables have such names too.
    read
        Lists its pictures; called with the folder and with those of its tables that were recognised.
    """

    name: str
    table: str
    first_line: str
    read: Callable[[Folder, Sequence[Path]], Listing]


@dataclass(frozen=True, slots=True)
class Recognised:
    """A data set in the folder that it was unpacked into, with the tables that it was recognised by."""

    known: PublishedSet
    folder: Folder
    tables: tuple[Path, ...]

    @property
    def name(self) -> str:
        """What people call the data set."""
        return self.known.name

    def listing(self) -> Listing:
        """Return its pictures."""
        return self.known.read(self.folder, self.tables)


SETS = (
    PublishedSet("NIH ChestX-ray14", chestxray14.TABLE, "Image Index,Finding Labels,", chestxray14.read),
    PublishedSet("NIH ChestX-ray14", chestxray14.LIST, chestxray14.LIST_LINE.pattern, chestxray14.read_lists),
    PublishedSet("CheXpert", chexpert.TABLE, "Path,(Sex,Age,Frontal/Lateral,|.*Atelectasis)", chexpert.read),
    PublishedSet("MIMIC-CXR-JPG", mimic.TABLE, "dicom_id,subject_id,study_id,", mimic.read),
    PublishedSet("VinDr-CXR", vindr.TABLE, "image_id,(class_name,class_id,rad_id,x_min|(rad_id,)?Aortic)", vindr.read),
    PublishedSet("COVIDx", covidx.LIST, covidx.LIST_LINE.pattern, covidx.read),
    PublishedSet("RFMiD", rfmid.TABLE, "ID,Disease_Risk,DR,ARMD,", rfmid.read),
    PublishedSet("ODIR-5K", odir.TABLE, "ID,Patient Age,Patient Sex,Left-Fundus,Right-Fundus,", odir.read),
    PublishedSet("IDRiD", idrid.TABLE, "Image name,Retinopathy grade,Risk of macular edema", idrid.read),
)


def recognised(root: Path) -> Recognised | None:
    """Return the data set that a folder holds; None when it holds none that is known here.

    Raises
    ------
    DataError
        When it holds several.
    """
    folder = Folder(root)
    found = []
    for known in SETS:
        tables = tuple(path for path in folder.tables(known.table) if _starts(path, known))
        if tables:
            found.append(Recognised(known, folder, tables))
    names = list(dict.fromkeys(entry.name for entry in found))
    if len(names) > 1:
        raise DataError(
            f"the folder holds several data sets: {', '.join(names)}",
            code="published.several",
            hint="Give the folder of one of them.",
        )
    return found[0] if found else None


def of_table(path: Path) -> PublishedSet | None:
    """Return the data set that a table belongs to; None when it is of none that is known here."""
    return next(
        (known for known in SETS if re.fullmatch(known.table, path.name, re.IGNORECASE) and _starts(path, known)), None
    )


def _starts(path: Path, known: PublishedSet) -> bool:
    return re.match(known.first_line, _first_line(path), re.IGNORECASE) is not None


def _first_line(path: Path) -> str:
    """Return the first line of a table, of a workbook its headings; empty when there is none to be read."""
    try:
        if path.suffix.lower() == ".xlsx":
            return ",".join(sheet.read(path).headings)
        return next(iter(sheet.text_of(path).splitlines()), "")
    except (DataError, OSError, EOFError, zlib.error):
        return ""
