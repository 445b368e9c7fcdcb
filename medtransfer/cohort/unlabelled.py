"""Images without answers, for pretraining: a table's images, or every image in and below a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from medtransfer.cohort import folders, identity, table, words
from medtransfer.cohort.checks import Look
from medtransfer.cohort.model import Case, Cohort, Problem
from medtransfer.cohort.published import assembly, registry
from medtransfer.cohort.reading import TABLE_NAMES
from medtransfer.errors import DataError


def read(path: Path) -> Cohort:
    """Read images without answers; patients are kept, labels are not looked at.

    Parameters
    ----------
    path
        A table with the columns ``image`` and ``patient``, a folder with a ``labels.csv`` or ``labels.xlsx`` in it, a
        published data set, whose test pictures are left out, or a folder of images, in subfolders or not: there the
        file name stands for the patient.

    Raises
    ------
    DataError
        When there is nothing at the path, the table cannot be understood, or the folder has no images.
    """
    inside = next((path / name for name in TABLE_NAMES if (path / name).is_file()), path)
    if inside.is_file():
        return table.read(inside, [])
    found = registry.recognised(path) if path.is_dir() else None
    if found:
        return _untested(assembly.assemble(found.name, found.listing(), [], "unknown"))
    images = folders.images_below(path) if path.is_dir() else []
    if not images:
        raise DataError(
            "there are no images in this place",
            code="unlabelled.no-images",
            hint="Give a folder of images, or a table with the columns image and patient.",
            subject=str(path),
        )
    keys = identity.file_keys(images)
    cases = {
        keys[image]: Case(key=keys[image], image=image.absolute(), patient=image.stem, labels={}, row=row)
        for row, image in enumerate(images, start=1)
        if image in keys
    }
    return _cohort(
        Cohort((), (), "", (folders.patients_unknown(),), (path / table.SYNTHETIC_MARK).is_file()), [*cases.values()]
    )


def readable(cohort: Cohort, looks: Mapping[str, Look]) -> Cohort:
    """Leave out the images that could not be opened, with a warning.

    Raises
    ------
    DataError
        ``unlabelled.unreadable`` when none could.
    """
    wrong = [case for case in cohort.cases if looks[case.key].error]
    if not wrong:
        return cohort
    if len(wrong) == len(cohort.cases):
        raise DataError(
            f"none of the images can be opened: {looks[wrong[0].key].error}",
            code="unlabelled.unreadable",
            hint="Give images that medtransfer can open one by one: `medtransfer open` says what is in a file.",
            subject=wrong[0].image.name,
        )
    warning = Problem(
        "unlabelled.left-out",
        "warning",
        f"{words.counted(len(wrong), 'image')} left out because they cannot be opened: {looks[wrong[0].key].error}",
        rows=tuple(case.row for case in wrong),
        subject=wrong[0].image.name,
    )
    rest = [case for case in cohort.cases if not looks[case.key].error]
    return _cohort(replace(cohort, problems=(*cohort.problems, warning)), rest)


def _untested(cohort: Cohort) -> Cohort:
    """Leave out the pictures that the data set is tested on, so that figures on them stay those of unseen pictures."""
    rest = [case for case in cohort.cases if case.split != "test"]
    tested = len(cohort.cases) - len(rest)
    if not tested or not rest:
        return cohort
    note = Problem(
        "unlabelled.test-left-out",
        "info",
        f"{words.counted(tested, 'picture')} of the data set's own test set left out: figures on them are then those of"
        " pictures that the network never saw",
    )
    return _cohort(replace(cohort, problems=(*cohort.problems, note)), rest)


def _cohort(cohort: Cohort, cases: list[Case]) -> Cohort:
    return replace(cohort, cases=tuple(cases), fingerprint=identity.fingerprint(cases, (), {}))
