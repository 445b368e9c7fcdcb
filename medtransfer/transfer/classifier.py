"""The base of plug-ins that answer yes or no for each label of a picture: everything but what is particular."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medtransfer import study
from medtransfer.cohort.model import Case, Cohort, Partition
from medtransfer.contract.bundle import BundleLabel, ModelBundle, Preprocessing
from medtransfer.contract.explainers import Explainer
from medtransfer.contract.requests import AnalyseRequest, LearnRequest
from medtransfer.contract.verbs import Context
from medtransfer.errors import DataError, UserError
from medtransfer.inference import faithfulness
from medtransfer.result.model import Faithfulness, Finding, Heatmap, HeatmapInfo, Notice, Result
from medtransfer.study.model import Image
from medtransfer.transfer import wanted
from medtransfer.transfer.addition import Addition
from medtransfer.transfer.answering import Answerer, Details, Explained
from medtransfer.transfer.augment import Augmentation, views
from medtransfer.transfer.familiarity import MARGIN
from medtransfer.transfer.learning import Learning
from medtransfer.transfer.locating import MapOf, cautioned, with_localisation
from medtransfer.transfer.pictures import Region, as_unit, normalised, onto_picture, seen, square
from medtransfer.transfer.provenance import about_model, passport, seeded
from medtransfer.transfer.trio_answering import TrioAnswerer
from medtransfer.transfer.trio_learning import TrioLearning

_UNCERTAINTY_VIEWS = 6
_UNCERTAINTY_KEY = "5eed"
"""Augmented views of one picture need a key; the same for every picture, so that an answer can be repeated."""


class ClassifierPlugin:
    """Analyse and learn for pictures with one independent detector per label.

    A plug-in sets the attributes and overrides :meth:`region` and :meth:`notices` where its pictures need it.

    Attributes
    ----------
    backbone
        timm's name of the network, unless the recipe says otherwise.
    weights
        Name of the weights in the catalogue; they must be named in the manifest as well.
    crop
        Name of what :meth:`region` does, kept with every model so that a model meets the pictures it was trained on.
    augmentation
        What may be changed in a training picture without changing its labels.
    """

    backbone = "tf_efficientnet_lite0"
    weights = "tf_efficientnet_lite0.imagenet"
    crop = "none"
    augmentation = Augmentation()

    def __init__(self) -> None:
        self._warm: tuple[str, Answerer] | None = None

    def region(self, image: Image) -> Region:
        """Return the part of the picture that the network is to see."""
        return Region.whole(image)

    def notices(self, image: Image) -> Sequence[Notice]:
        """Return what the reader of a result must know about the picture."""
        del image
        return ()

    def notices_of_maps(self, image: Image, heatmaps: Sequence[Heatmap]) -> Sequence[Notice]:
        """Return what the reader of a result must know about where the maps lie in the picture."""
        del image, heatmaps
        return ()

    def open_case(self, case: Case, preprocessing: Preprocessing) -> NDArray[np.uint8]:
        """Open and prepare one case of a cohort: uint8 (size, size, 3).

        Raises
        ------
        DataError
            When the file is unreadable or holds anything but one picture.
        """
        image = _picture_of(case)
        return square(image, self.region(image), preprocessing)

    def learn(self, cohort: Cohort, split: Mapping[str, Partition], request: LearnRequest, ctx: Context) -> ModelBundle:
        """Train a detector per label, or a trio, as the recipe says; see :mod:`medtransfer.transfer.learning`.

        Where the request keeps a parent's labels, its own are added to them: :mod:`medtransfer.transfer.addition`.
        Where test cases have boxes, the maps are measured against them: :mod:`medtransfer.transfer.locating`.
        """
        if request.keeps:
            return Addition(self, cohort, request, ctx).run()
        way = TrioLearning if request.recipe.ensemble == "trio" else Learning
        bundle = way(self, cohort, split, request, ctx).run()
        return with_localisation(bundle, cohort, split, _picture_of, lambda: self._map_of(bundle, ctx), ctx)

    def analyse(self, image: Image, model: ModelBundle, request: AnalyseRequest, ctx: Context) -> Result:
        """Answer for one picture: calibrated probabilities, maps for the labels asked for, and what to beware of."""
        began = time.monotonic()
        seeded(request.seed)
        ctx.progress(0.05, "loading the model")
        answerer = self._answerer(model, ctx)
        preprocessing, region = model.card.for_pictures, self.region(image)
        unit = as_unit(square(image, region, preprocessing)[None])
        ctx.progress(0.3, "analysing")
        ctx.check()
        probabilities, logits, features = answerer.answer(normalised(unit, preprocessing))
        spread = self._spread(answerer, unit, preprocessing, request)
        details = answerer.details(normalised(unit, preprocessing))
        findings = tuple(
            _finding(label, float(probabilities[0, index]), float(logits[0, index]), spread[index], details)
            for index, label in enumerate(answerer.labels)
        )
        ctx.check()
        explained = _to_explain(request, findings)
        ctx.progress(0.5, "explaining")
        shown, unexplained = self._maps(answerer, normalised(unit, preprocessing), explained, findings, request)
        part = seen(region, preprocessing)
        heatmaps = tuple(
            Heatmap(cautioned(info, model.card, ctx.manifest), onto_picture(values, part, image))
            for info, values in shown
        )
        notices = (
            *self.notices(image),
            *_unfamiliar(answerer, features),
            *about_model(model, request),
            *unexplained,
            *self.notices_of_maps(image, heatmaps),
        )
        ctx.progress(1.0, "done")
        return Result(
            findings=findings,
            source=request.source,
            passport=passport(image, model, request, ctx, answerer.runtime_name, time.monotonic() - began),
            heatmaps=heatmaps,
            notices=notices,
            pictures={key: pixels for found in details.values() for key, pixels in found.pictures.items()},
        )

    def _answerer(self, model: ModelBundle, ctx: Context) -> Answerer:
        if self._warm is None or self._warm[0] != model.sha256:
            if model.card.for_pictures.crop != self.crop:
                raise UserError(
                    f"the model needs pictures cut as {model.card.for_pictures.crop!r}, not {self.crop!r}",
                    code="model.preprocessing",
                    hint="Use a model of this plug-in.",
                )
            kind = TrioAnswerer if model.card.for_answers.ensemble == "trio" else Answerer
            self._warm = (model.sha256, kind.load(model, ctx))
        return self._warm[1]

    def _map_of(self, bundle: ModelBundle, ctx: Context) -> MapOf:
        """Load a model and return how it makes maps of pictures, on their own grids."""
        answerer, preprocessing = self._answerer(bundle, ctx), bundle.card.for_pictures

        def map_of(label: str, image: Image, explainer: Explainer) -> NDArray[np.float32]:
            region = self.region(image)
            batch = normalised(as_unit(square(image, region, preprocessing)[None]), preprocessing)
            values = answerer.explain(label, batch, explainer)[0].cam.maps[0, 0]
            return onto_picture(values, seen(region, preprocessing), image)

        return map_of

    def _spread(
        self, answerer: Answerer, unit: Tensor, preprocessing: Preprocessing, request: AnalyseRequest
    ) -> Sequence[float | None]:
        """Return the standard deviation of each label's probability over augmented views."""
        if not request.uncertainty:
            return [None] * len(answerer.labels)
        seen = [views(unit, [_UNCERTAINTY_KEY], view, self.augmentation) for view in range(1, _UNCERTAINTY_VIEWS + 1)]
        changed = answerer.answer(normalised(torch.cat(seen), preprocessing))[0]
        return [float(value) for value in changed.std(axis=0)]

    def _maps(
        self,
        answerer: Answerer,
        batch: Tensor,
        labels: Sequence[str],
        findings: Sequence[Finding],
        request: AnalyseRequest,
    ) -> tuple[list[tuple[HeatmapInfo, NDArray[np.float32]]], list[Notice]]:
        """Return maps on the network's grid for each label, and a notice for each that has none to show.

        The parts of an answer have maps of their own where it was called positive or asked for by name: all maps of
        all labels would fill the disk.
        """
        in_parts = {finding.label for finding in findings if finding.positive} | set(request.explain)
        found, notices = {}, []
        for label in labels:
            whole, *parts = answerer.explain(label, batch, request.explainer)
            if whole.cam.empty[0, 0]:
                message = f"{label}: {whole.cam.empty_reason(0, 0)}"
                notices.append(Notice(code="explain.empty", level="info", message=message))
            else:
                found[label] = [whole, *(part for part in parts if label in in_parts and not part.cam.empty[0, 0])]
        wholes = {label: explained[0].cam.maps[0, 0] for label, explained in found.items()}
        figures = self._faithfulness(answerer, batch[0], wholes, request)
        return [
            (_map_info(label, one, None if one.part else figures.get(label)), one.cam.maps[0, 0])
            for label, explained in found.items()
            for one in explained
        ], notices

    def _faithfulness(
        self, answerer: Answerer, picture: Tensor, maps: Mapping[str, NDArray[np.float32]], request: AnalyseRequest
    ) -> Mapping[str, Faithfulness]:
        if not maps or not request.faithfulness:
            return {}
        labels = list(maps)
        figures = faithfulness.measure(
            lambda batch: answerer.probabilities(labels, batch),
            picture,
            np.stack([maps[label] for label in labels]),
            seed=request.seed,
        )
        return dict(zip(labels, figures, strict=True))


def _picture_of(case: Case) -> Image:
    """Open the picture of a case.

    Raises
    ------
    DataError
        When the file is unreadable or holds anything but one picture.
    """
    series = [series for found in study.open(case.image) for series in found.series]
    if len(series) != 1:
        raise DataError(
            "the file of a case must hold exactly one picture",
            code="cohort.not-one-picture",
            hint="Give the picture itself in the table, not a folder or a series.",
            subject=f"row {case.row}",
        )
    return series[0].image()


def _finding(
    label: BundleLabel, probability: float, logit: float, uncertainty: float | None, details: Mapping[str, Details]
) -> Finding:
    how = details.get(label.id)
    return Finding(
        label=label.id,
        name=label.name,
        code=label.code,
        probability=probability,
        threshold=label.threshold,
        positive=probability >= label.threshold,
        calibrated=label.calibration.method != "none",
        uncertainty=uncertainty,
        logit=logit,
        contributions=how.contributions if how else (),
        similar=how.similar if how else (),
    )


def _map_info(label: str, explained: Explained, faithfulness: Faithfulness | None) -> HeatmapInfo:
    return HeatmapInfo(
        label=label,
        part=explained.part,
        method=explained.method,
        layer=explained.cam.layer,
        raw_maximum=float(explained.cam.raw_maximum[0, 0]),
        faithfulness=faithfulness,
    )


def _to_explain(request: AnalyseRequest, findings: Sequence[Finding]) -> list[str]:
    """Return the labels to explain, in the findings' order.

    Raises
    ------
    UserError
        When a label is asked for that the model does not have.
    """
    known = [finding.label for finding in findings]
    if request.explain == ["all"]:
        return known
    if request.explain == ["positive"]:
        return [finding.label for finding in findings if finding.positive]
    return wanted.named(request.explain, known)


def _unfamiliar(answerer: Answerer, features: NDArray[np.float32]) -> list[Notice]:
    reference = answerer.reference
    if reference is None:
        return []
    times = float(reference.distance(features)[0]) / reference.limit
    if times > 1.0:
        distance = f"{times:.2f} times the accepted distance"
        message = f"This picture is unlike those that the model was trained on ({distance})."
        return [Notice(code="model.unfamiliar", level="warning", message=message)]
    if times > 1.0 / MARGIN:
        message = "This picture is less like those that the model was trained on than 99 % of the others were."
        return [Notice(code="model.at-the-edge", level="info", message=message)]
    return []
