"""Whether a trained model's heat maps find what people drew boxes around, measured on test cases with boxes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medtransfer.cohort import boxes
from medtransfer.cohort.model import Box, Case, Cohort, Partition
from medtransfer.cohort.words import counted
from medtransfer.contract import explainers
from medtransfer.contract.bundle import BundleCard, ModelBundle
from medtransfer.contract.evaluation import EVERY_LABEL, Localisation
from medtransfer.contract.explainers import Explainer
from medtransfer.contract.manifest import Manifest
from medtransfer.contract.verbs import Context
from medtransfer.inference.localisation import THRESHOLDS, Overlap, inside, overlap, towards_centre
from medtransfer.result.model import HeatmapInfo
from medtransfer.study.model import Image
from medtransfer.transfer import bootstrap, bundles

CENTRE, CHANCE = "Centre of the picture", "Chance"
"""Two guesses that see no picture: a map that falls evenly from the middle to the corners, and the picture as a whole.

For the latter, both figures are the share of the picture that the boxes cover.
"""
_QUARTER = 0.25

MapOf = Callable[[str, Image, Explainer], NDArray[np.float32]]
"""From a label, an image and a way of explaining to a map on the image's grid, float32 in [0, 1]."""


@dataclass(frozen=True, eq=False)
class Compared:
    """One map of one label in one test case, against the boxes there."""

    label: str
    method: str
    patient: str
    overlap: Overlap


def with_localisation(
    bundle: ModelBundle,
    cohort: Cohort,
    split: Mapping[str, Partition],
    opened: Callable[[Case], Image],
    maps: Callable[[], MapOf],
    ctx: Context,
) -> ModelBundle:
    """Measure the maps of a fresh bundle and write the figures into its card.

    Without boxes around the model's labels in test cases the bundle stays as it is.

    Parameters
    ----------
    bundle
        Still in the job's own folder.
    opened
        Opens a case's picture.
    maps
        Loads the model; called only if there is something to measure.
    """
    evaluation = bundle.card.evaluation
    drawn = _drawn(bundle.card, cohort, split)
    if not drawn or evaluation is None:
        return bundle
    map_of, compared = maps(), []
    for done, (case, around) in enumerate(drawn, start=1):
        ctx.check()
        image = opened(case)
        for label, its in around.items():
            compared += _compared(label, case.patient, image, its, map_of, explainers.of_network(bundle.card.backbone))
        ctx.progress(done / len(drawn), "measuring heat maps against boxes")
    found = summarised(compared, evaluation.bootstrap, evaluation.seed)
    judged = evaluation.model_copy(update={"localisation": found})
    return bundles.write(bundle.folder, bundle.card.model_copy(update={"evaluation": judged}), {})


def cautioned(info: HeatmapInfo, card: BundleCard, manifest: Manifest) -> HeatmapInfo:
    """Say with a map what is known of how well such maps find things: of this model where it was measured, of its kind.

    Parts of an answer have no figures of their own.
    """
    known = card.evaluation.localisation if card.evaluation else []
    of_label = {one.method: one for one in known if one.label == info.label}
    measured = [_in_words(of_label[info.method], of_label)] if info.method in of_label else []
    return info.model_copy(update={"caution": " ".join(filter(None, [*measured, manifest.card.maps]))})


def summarised(compared: Sequence[Compared], count: int, seed: int) -> list[Localisation]:
    """Return the figures of each label and method, and of all labels together where there are several.

    Parameters
    ----------
    count, seed
        Resamples of patients for the intervals.
    """
    methods = list(dict.fromkeys(one.method for one in compared))
    labels = list(dict.fromkeys(one.label for one in compared))
    found = [
        _figures(label, method, [one for one in compared if (one.label, one.method) == (label, method)], count, seed)
        for label in labels
        for method in methods
    ]
    if len(labels) > 1:
        together = [[one for one in compared if one.method == method] for method in methods]
        found += [_figures(EVERY_LABEL, some[0].method, some, count, seed) for some in together]
    return found


def _in_words(own: Localisation, others: Mapping[str, Localisation]) -> str:
    share, chance, centre = (f"{100 * one.pointing.value:.0f} %" for one in (own, others[CHANCE], others[CENTRE]))
    tested = counted(own.maps, "test picture")
    return f"On {tested} with a drawn box its hottest point was inside in {share} (chance {chance}, centre {centre})."


def _drawn(
    card: BundleCard, cohort: Cohort, split: Mapping[str, Partition]
) -> list[tuple[Case, dict[str, tuple[Box, ...]]]]:
    """Return the test cases that have boxes, with those of each label that the model answers."""
    found = []
    for case in cohort.cases:
        if split[case.key] == "test":
            around = {label.id: boxes.of(cohort, case.key, label.id) for label in card.labels}
            around = {label: its for label, its in around.items() if its}
            if around:
                found.append((case, around))
    return found


def _compared(
    label: str, patient: str, image: Image, drawn: Sequence[Box], map_of: MapOf, ways: Sequence[Explainer]
) -> list[Compared]:
    height, width = image.spatial_shape
    marked = inside(drawn, (height, width))
    if not marked.any():
        return []
    maps = {explainers.NAMES[way]: map_of(label, image, way) for way in ways}
    maps[CENTRE] = towards_centre((height, width))
    found = [Compared(label, method, patient, overlap(values, marked)) for method, values in maps.items()]
    share = found[0].overlap.share
    blind = Overlap(share, np.full(len(THRESHOLDS), share), share)
    return [*found, Compared(label, CHANCE, patient, blind)]


def _figures(label: str, method: str, compared: Sequence[Compared], count: int, seed: int) -> Localisation:
    iou = np.stack([one.overlap.iou for one in compared])
    best = int(iou.mean(axis=0).argmax())
    hits = np.array([one.overlap.hit for one in compared])
    patients = bootstrap.patient_numbers([one.patient for one in compared])
    everybody = np.ones(len(compared), dtype=bool)
    drawn = list(bootstrap.resamples(patients, everybody, count, np.random.default_rng(seed)))
    times = np.concatenate(drawn).astype(np.float64)
    total = times.sum(axis=1)
    share, people = float(hits.mean()), len(np.unique(patients))
    return Localisation(
        label=label,
        method=method,
        maps=len(compared),
        patients=people,
        pointing=bootstrap.exact(share, people)
        if share in {0.0, 1.0}
        else bootstrap.interval(share, times @ hits / total),
        iou=bootstrap.interval(float(iou[:, best].mean()), times @ iou[:, best] / total),
        iou_quarter=float((iou[:, best] >= _QUARTER).mean()),
        threshold=None if method == CHANCE else float(THRESHOLDS[best]),
    )
