"""Synthetic fundus photographs with known lesions: a labelled cohort for a machine without real data.

Everything is drawn from formulas: no photograph of a person is used or needed. The marker file beside the table makes
every reader, screen and report call the cohort synthetic. A model that was trained on phantoms knows nothing of
patients.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from medtransfer.cohort import phantom_table
from medtransfer.cohort.phantom_anatomy import DISC_DIAMETER, make_eye, reflectance
from medtransfer.cohort.phantom_camera import CAMERAS, Camera, photograph, view
from medtransfer.cohort.phantom_lesions import MASK_VALUES, Lesion, Severity, paint, scatter
from medtransfer.cohort.phantom_table import Drawn

LABELS = ("dr", "dr_referable", "dme")
# Red lesions from which an eye counts as referable.
_MANY = 8
# Grades of ten patients in a row, in shuffled order: every small cohort holds enough of each label.
_GRADES = (0, 0, 0, 0, 1, 1, 2, 2, 3, 3)


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """One synthetic photograph and the truth about it.

    Attributes
    ----------
    picture
        uint8, shape (y, x, 3), RGB.
    truth
        uint8, shape (y, x): 0 healthy, else a value of :data:`medtransfer.cohort.phantom_lesions.MASK_VALUES`.
    labels
        ``dr``, ``dr_referable`` and ``dme`` to 0 or 1, read off the lesions that are in view.
    laterality
        ``R`` or ``L``.
    """

    picture: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    labels: dict[str, int]
    laterality: str
    camera: Camera


def patient(seed: int, number: int) -> Iterator[Phantom]:
    """Yield the right and the left eye of one synthetic patient; the same for the same seed and number.

    Both eyes share the camera, the pigment and the grade of disease, as eyes of one person do: a split that
    separates them leaks.
    """
    decade, place = divmod(number, len(_GRADES))
    grade = int(np.random.default_rng([seed, decade, 0]).permutation(_GRADES)[place])
    rng = np.random.default_rng([seed, number, 1])
    camera = CAMERAS[rng.integers(len(CAMERAS))]
    pigment, tessellation = rng.uniform(0, 1), rng.beta(1.2, 2.5)
    drusen = int(rng.integers(6, 40)) if rng.random() < 0.2 else 0
    swollen = bool(rng.random() < (0, 0, 0.5, 0.65)[grade])
    for laterality in ("R", "L"):
        eye = make_eye(rng, pigment, tessellation)
        lesions = scatter(rng, eye, _severity(rng, grade, swollen=swollen, drusen=drusen))
        grid = view(rng, camera)
        scene = reflectance(rng, eye, grid)
        truth = paint(rng, lesions, grid, scene)
        if laterality == "L":
            scene, truth = scene[:, ::-1], truth[:, ::-1].copy()
        picture, field = photograph(rng, camera, scene)
        truth[~field] = 0
        yield Phantom(picture, truth, _labels(lesions, truth), laterality, camera)


def write_cohort(folder: Path, cases: int, seed: int) -> Path:
    """Write a synthetic cohort and return its table.

    Parameters
    ----------
    folder
        Gets ``images/``, ``masks/`` (the truth under the same name, PNG, values of ``MASK_VALUES``), ``labels.csv``
        with columns image, patient, site and one per label, and ``SYNTHETIC.txt``. Made if absent.
    cases
        Number of photographs; two per patient.
    seed
        The same seed gives the same cohort; a larger one begins with the smaller one's cases.
    """
    (folder / "masks").mkdir(parents=True, exist_ok=True)
    return phantom_table.write(folder, LABELS, _drawn(folder / "masks", cases, seed))


def _drawn(masks: Path, cases: int, seed: int) -> Iterator[Drawn]:
    """Yield the photographs, each when its mask lies on disk."""
    for name, phantom in _cases(cases, seed):
        Pillow.fromarray(phantom.truth).save(masks / f"{name}.png")
        yield Drawn(name, name.partition("_")[0], phantom.picture, phantom.camera, phantom.labels)


def _cases(count: int, seed: int) -> Iterator[tuple[str, Phantom]]:
    for number in range(math.ceil(count / 2)):
        for eye, phantom in enumerate(patient(seed, number)):
            if 2 * number + eye < count:
                yield f"phantom{number + 1:04d}_{phantom.laterality}", phantom


def _severity(rng: np.random.Generator, grade: int, *, swollen: bool, drusen: int) -> Severity:
    """Return how many lesions an eye has: grade 0 none, 1 a few red dots, 2 and 3 many; exudates if ``swollen``."""
    if grade == 0:
        return Severity(drusen=drusen)
    if grade == 1:
        return Severity(microaneurysms=int(rng.integers(3, 7)), haemorrhages=int(rng.integers(0, 2)), drusen=drusen)
    return Severity(
        microaneurysms=int(rng.integers(8, 22)) * (grade - 1),
        haemorrhages=int(rng.integers(4, 12)) * (grade - 1),
        near_exudates=int(rng.integers(8, 40)) if swollen else 0,
        far_exudates=int(rng.integers(0, 30)) if rng.random() < 0.6 else 0,
        drusen=drusen,
    )


def _labels(lesions: list[Lesion], truth: NDArray[np.uint8]) -> dict[str, int]:
    """Return the labels of what can be seen; dme as in IDRiD's risk grade 2: an exudate within a disc diameter."""
    seen = {kind: bool((truth == value).any()) for kind, value in MASK_VALUES.items()}
    red = sum(lesion.kind in {"haemorrhage", "microaneurysm"} for lesion in lesions)
    near = any(
        lesion.kind == "exudate" and math.hypot(*lesion.outline.mean(axis=0)) <= DISC_DIAMETER for lesion in lesions
    )
    diseased = seen["haemorrhage"] or seen["microaneurysm"] or seen["exudate"]
    return {"dr": int(diseased), "dr_referable": int(diseased and red >= _MANY), "dme": int(near and seen["exudate"])}
