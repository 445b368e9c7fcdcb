from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medtransfer import cohort
from medtransfer.cohort import phantom_diseases
from medtransfer.cohort.phantom_anatomy import make_eye, reflectance
from medtransfer.cohort.phantom_camera import CAMERAS, view


@pytest.mark.parametrize("disease", sorted(phantom_diseases._PAINTERS))
def test_every_disease_leaves_its_sign_and_leaves_the_rest(disease: str) -> None:
    rng = np.random.default_rng(3)
    eye, grid = make_eye(rng, 0.4, 0.1), view(rng, CAMERAS[1])
    healthy = reflectance(rng, eye, grid)
    scene = healthy.copy()
    phantom_diseases._PAINTERS[disease](rng, eye, grid, scene)
    changed = np.abs(scene - healthy).max(axis=-1) > 0.05
    assert np.isfinite(scene).all()
    if disease == "mh":
        assert changed.mean() > 0.5, "a veil lies over everything"
    else:
        assert 0.0002 < changed.mean() < 0.3
    x, y = grid.millimetres()
    at_disc = np.hypot(x - eye.disc[0], y - eye.disc[1]) < 2.5
    if disease in {"odc", "odp", "ode", "mya"}:
        assert changed[at_disc].sum() > 0.95 * changed.sum()
    if disease == "armd":
        assert changed[np.hypot(x, y) < 3.5].sum() > 0.95 * changed.sum()


def test_the_cohort_holds_both_eyes_of_each_patient_and_all_twelve(tmp_path: Path) -> None:
    table = phantom_diseases.write_cohort(tmp_path, 20, seed=1)
    found = cohort.read(table)
    assert found.synthetic
    assert found.labels == phantom_diseases.DISEASES
    assert len(found.cases) == 20
    by_patient: dict[str, list[tuple[int | None, ...]]] = {}
    for case in found.cases:
        by_patient.setdefault(case.patient, []).append(tuple(case.labels.values()))
    assert all(len(eyes) == 2 and eyes[0] == eyes[1] for eyes in by_patient.values())
    counts = np.array([eyes[0] for eyes in by_patient.values()], dtype=float).sum(axis=0)
    assert 0 < counts.sum() < 60


def test_the_same_seed_draws_the_same_patient() -> None:
    one, other = ([p for _, p, _, _ in phantom_diseases.photographs(4, 7)] for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
