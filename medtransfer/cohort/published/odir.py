"""ODIR-5K (Peking University, 2019): both eyes of 3,500 patients, with diagnostic keywords for each eye.

A row of the workbook ``ODIR-5K_Training_Annotations*.xlsx`` (or of ``full_df.csv``, where it stands twice) is a
patient: age, sex, two photographs, keywords of each eye, and eight answers for the patient as a whole, which are the
labels here except "normal". For one eye:

- a disease that the patient does not have is absent;
- one that the patient has is present in an eye whose keywords name it, and absent in the other;
- where the keywords of neither eye name it, it is unknown in both.

"Other" are keywords that belong to no class and do not speak of the photograph. An eye of which there is no fundus
photograph, but another picture, is left out. The test sets came without keywords: there is no official one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from medtransfer.cohort.model import Problem
from medtransfer.cohort.published.columns import ANSWERS, Columns, person
from medtransfer.cohort.published.folder import Folder
from medtransfer.cohort.published.listing import Entry, Listing, remark

TABLE = r"ODIR.*\.(xlsx|csv)|full_df\.csv|(train|training).*annotation.*\.(xlsx|csv)"
EYES = ("left", "right")


class Disease(NamedTuple):
    """A class of ODIR: its id here, its name, the headings of its column, and what the keywords of an eye call it."""

    id: str
    name: str
    headings: tuple[str, ...]
    keywords: re.Pattern[str]


_OTHER = "other"
DISEASES = (
    Disease(
        "dr",
        "Diabetic retinopathy",
        ("D", "Diabetes"),
        re.compile(r"diabetic retinopathy|proliferative retinopathy"),
    ),
    Disease("glaucoma", "Glaucoma", ("G", "Glaucoma"), re.compile("glaucoma")),
    Disease("cataract", "Cataract", ("C", "Cataract"), re.compile("cataract")),
    Disease(
        "armd",
        "Age-related macular degeneration",
        ("A", "Age related Macular Degeneration"),
        re.compile("age-related macular degeneration"),
    ),
    Disease(
        "hypertensive_retinopathy",
        "Hypertensive retinopathy",
        ("H", "Hypertension"),
        re.compile("hypertensive retinopathy"),
    ),
    Disease("mya", "Myopia", ("M", "Pathological Myopia"), re.compile("myopi[ac]")),
)
"""In the order of the workbook, where "normal" comes before them and "other" after them."""
NAMES = {**{disease.id: disease.name for disease in DISEASES}, _OTHER: "Other disease"}
_OTHER_HEADINGS = ("O", "Other diseases/abnormalities")
_NOT_FUNDUS = ("anterior segment image", "no fundus image")
_NOT_OTHER = re.compile("normal fundus|lens dust|low image quality|optic disk photographically invisible|image offset")
_NO_TEST = remark("no-official-test", "the data set has no test set with answers: the test patients are drawn here")
_KEYWORDS = remark("eyes", "the findings of each eye are taken from its keywords, where the patient has the disease")


class _Patient(NamedTuple):
    number: str
    attributes: dict[str, str]
    pictures: tuple[str, str]
    keywords: tuple[str, str]
    has: dict[str, int | None]


def read(folder: Folder, tables: Sequence[Path]) -> Listing:
    """Read the first of the workbooks and tables that are there."""
    patients = {patient.number: patient for patient in _patients(Columns(tables[0]))}
    entries: list[Entry] = []
    for patient in patients.values():
        named = [named_in(keywords) for keywords in patient.keywords]
        for eye, picture, keywords, own in zip(EYES, patient.pictures, patient.keywords, named, strict=True):
            if any(words in keywords for words in _NOT_FUNDUS):
                continue
            entries.append(
                Entry(
                    image=folder.pictures.find(picture),
                    patient=patient.number,
                    labels={label: _answer(has, label, own, named) for label, has in patient.has.items()},
                    attributes={"eye": eye, **patient.attributes},
                )
            )
    return Listing(NAMES, entries, (_NO_TEST, _KEYWORDS, *_not_fundus(2 * len(patients) - len(entries))))


def named_in(keywords: str) -> frozenset[str]:
    """Return the ids of the classes that the keywords of an eye name; commas may be Chinese ones."""
    found: set[str] = set()
    for keyword in re.split("[,\\uff0c;]", keywords.casefold()):
        classes = {disease.id for disease in DISEASES if disease.keywords.search(keyword)}
        other = keyword.strip() and not classes and not _NOT_OTHER.search(keyword)
        found |= classes | ({_OTHER} if other else set())
    return frozenset(found)


def _answer(has: int | None, label: str, own: frozenset[str], both: Sequence[frozenset[str]]) -> int | None:
    if has != 1:
        return has
    return int(label in own) if any(label in eye for eye in both) else None


def _patients(table: Columns) -> Iterator[_Patient]:
    columns = {disease.id: table.texts(*disease.headings) for disease in DISEASES}
    columns[_OTHER] = table.texts(*_OTHER_HEADINGS)
    rows = zip(
        table.texts("ID"),
        table.texts_if_any("Patient Age"),
        table.texts_if_any("Patient Sex"),
        table.texts("Left-Fundus"),
        table.texts("Right-Fundus"),
        table.texts("Left-Diagnostic Keywords"),
        table.texts("Right-Diagnostic Keywords"),
        zip(*columns.values(), strict=True),
        strict=True,
    )
    for number, age, sex, left, right, says_left, says_right, answers in rows:
        has = {label: ANSWERS.get(answer) for label, answer in zip(columns, answers, strict=True)}
        yield _Patient(number, person(sex, age), (left, right), (says_left.casefold(), says_right.casefold()), has)


def _not_fundus(number: int) -> tuple[Problem, ...]:
    if not number:
        return ()
    return (remark("not-fundus", f"{number:,} pictures are left out: their keywords say that they show no fundus"),)
