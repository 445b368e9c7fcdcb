"""The base of plug-ins that find structures in volumes: everything but the network itself."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import nn

from medtransfer import memory
from medtransfer.cohort.model import Cohort, Partition
from medtransfer.contract.bundle import NETWORK, BundleCard, BundleLabel, ModelBundle
from medtransfer.contract.plan import FAST, VolumePlan
from medtransfer.contract.requests import AnalyseRequest, LearnRequest, Quality
from medtransfer.contract.verbs import Context
from medtransfer.inference.sliding import OnTile
from medtransfer.result.measuring import measured
from medtransfer.result.model import Heatmap, Notice, Result, Segmentation, Structure
from medtransfer.study.model import Image
from medtransfer.transfer import bundles, volume_memory, wanted
from medtransfer.transfer.body import body
from medtransfer.transfer.provenance import about_model, passport, seeded
from medtransfer.transfer.segmentation_explaining import Explainer
from medtransfer.transfer.volume_running import Asked, WarmNetwork, too_large
from medtransfer.transfer.volumes import PreparedVolume, prepare

_BEGUN, _SEGMENTED, _ON_OWN_GRID = 0.1, 0.9, 0.95
"""Share of the whole that is done before the first tile, after the last, and when the labels are on the own grid."""


class SegmenterPlugin(ABC):
    """Analyse volumes with one network that tells all structures apart.

    A plug-in overrides :meth:`network` and sets the attributes. Which structures there are, their numbers, codes and
    colours are the model's own (:class:`~medtransfer.contract.bundle.BundleLabel`).

    Attributes
    ----------
    modalities
        DICOM modalities that the networks were trained on, where the model's card does not say it; another one is
        noticed.
    backbone
        Name of the network that learns where neither recipe nor weights nor model say which.
    head
        Name of the network's layers that answer: they start afresh for structures that the weights do not know.
    explained
        Name of the layer that Seg-Grad-CAM explains, in the lower part of the decoder; empty for a network without
        maps.
    """

    modalities: Sequence[str] = ("CT",)
    backbone = ""
    head = ""
    explained = ""

    def __init__(self) -> None:
        self._warm = WarmNetwork()

    @abstractmethod
    def network(self, card: BundleCard) -> nn.Module:
        """Return the network that the card describes, its weights not yet loaded.

        It maps (n, C, z, y, x) to logits (n, 1 + structures, z, y, x), the background first, where C is the number of
        the plan's scales. In training mode it may answer with several, finest first.
        """

    def advice(self, structures: Sequence[str], cases: int, *, ct: bool) -> Sequence[str]:  # noqa: ARG002 - none here
        """Return what is known of trainings like this one, in sentences that are told before it starts.

        Parameters
        ----------
        structures
            Ids of what is to be learnt.
        cases
            How many labelled cases there are.
        ct
            Whether the volumes are CT.
        """
        return ()

    def learn(self, cohort: Cohort, split: Mapping[str, Partition], request: LearnRequest, ctx: Context) -> ModelBundle:
        """Learn structures from volumes with masks: plan, train, judge on the test partition, write the bundle.

        Raises
        ------
        DataError
            When weights or model to start from do not fit, or a case cannot be read.
        EnvironmentFailure
            When memory is too short.
        """
        from medtransfer.transfer.volume_learning import VolumeLearning

        return VolumeLearning(self, cohort, split, request, ctx).run()

    def analyse(self, image: Image, model: ModelBundle, request: AnalyseRequest, ctx: Context) -> Result:
        """Find the structures of one volume, on its own grid, and measure them.

        Raises
        ------
        DataError
            When the volume cannot be prepared, or the bundle is damaged.
        EnvironmentFailure
            ``segment.memory`` when memory does not suffice in any way.
        UserError
            ``model.preprocessing`` when the model takes pictures.
        """
        with volume_memory.explained(too_large()):
            return self._analysed(image, model, request, ctx)

    def _analysed(self, image: Image, model: ModelBundle, request: AnalyseRequest, ctx: Context) -> Result:
        began = time.monotonic()
        seeded(request.seed)
        ctx.progress(0.0, "preparing the volume")
        plan, remarks = asked_for(model.card.for_volumes, request.quality)
        prepared = prepare(image, plan, model.card.modalities or self.modalities)
        ctx.check()
        ctx.progress(0.05, "loading the model")
        found = self._warm.run(
            Asked(
                model=model,
                load=lambda: self._loaded(model),
                values=prepared.values,
                mirror=plan.mirrored if request.quality == "thorough" else (),
                body=body(image, prepared.frame),
                on_tile=_tiles_to(ctx),
            ),
            ctx,
        )
        ctx.check()
        labels = prepared.frame.to_original(found.labels)
        ctx.progress(_ON_OWN_GRID, "measuring")
        structures = _structures(labels, image, model.card.labels)
        explained = list(self._explained(model, prepared, found.labels, request, ctx))
        notices = [
            *prepared.notices,
            *remarks,
            *found.notices,
            *about_model(model, request),
            *_nothing_found(structures),
            *(entry for entry in explained if isinstance(entry, Notice)),
        ]
        ctx.progress(1.0, "done")
        return Result(
            findings=(),
            source=request.source,
            passport=passport(image, model, request, ctx, found.runtime, time.monotonic() - began),
            segmentation=Segmentation(labels, structures),
            heatmaps=tuple(entry for entry in explained if isinstance(entry, Heatmap)),
            notices=tuple(notices),
        )

    def _loaded(self, model: ModelBundle) -> nn.Module:
        network = self.network(model.card)
        bundles.load_network(network, model, NETWORK)
        return network.requires_grad_(requires_grad=False).eval()

    def _explained(
        self,
        model: ModelBundle,
        prepared: PreparedVolume,
        found: NDArray[np.unsignedinteger],
        request: AnalyseRequest,
        ctx: Context,
    ) -> list[Heatmap | Notice]:
        """Return a map, or why there is none, of each structure that was asked for by name.

        A hundred maps of one volume are of no use to anybody: "all" and "positive", which suit findings, ask for none.
        Memory that does not suffice for maps takes nothing away from what was found.
        """
        if not self.explained or {"all", "positive"}.intersection(request.explain) or not request.explain:
            return []
        labels = {label.id: label for label in model.card.labels}
        asked = wanted.named(request.explain, list(labels))
        entries: list[Heatmap | Notice] = []
        try:
            network = self._loaded(model).to(ctx.device)
            patch = model.card.for_volumes.patch
            explainer = Explainer(network, self.explained, patch, prepared, found, request.faithfulness, request.seed)
            for done, label in enumerate(asked):
                ctx.check()
                ctx.progress(_ON_OWN_GRID + (1 - _ON_OWN_GRID) * done / len(asked), f"explaining {labels[label].name}")
                entries.append(explainer.explain(labels[label]))
        except Exception as error:
            if not memory.exhausted(error):
                raise
            message = "The memory does not suffice to show what spoke for the structures. What was found stands."
            entries.append(Notice(code="explain.memory", level="warning", message=message))
        return entries


def asked_for(plan: VolumePlan, quality: Quality) -> tuple[VolumePlan, list[Notice]]:
    """Return the plan that a quality asks for, and what is to be said of it."""
    if quality == "fast" and plan.fast_spacing != plan.spacing:
        own = " x ".join(f"{spacing:g}" for spacing in plan.spacing)
        message = f"Segmented on a grid of {FAST:g} mm; the network was trained on one of {own} mm."
        fix = "Small structures suffer most: ask for the full quality where they matter."
        fast = plan.model_copy(update={"spacing": plan.fast_spacing})
        return fast, [Notice(code="segment.fast", level="info", message=message, fix=fix)]
    if quality == "thorough" and not plan.mirrored:
        message = "The model was trained without mirroring, so it was asked once: mirrored answers would mix up sides."
        return plan, [Notice(code="segment.not-mirrored", level="info", message=message)]
    return plan, []


def _tiles_to(ctx: Context) -> OnTile:
    """Return what tells the person of each tile, and stops at one when asked to."""

    def on_tile(done: int, of: int) -> None:
        ctx.check()
        ctx.progress(_BEGUN + (_SEGMENTED - _BEGUN) * done / of, f"tile {done} of {of}")

    return on_tile


def _structures(
    labels: NDArray[np.unsignedinteger], image: Image, known: Sequence[BundleLabel]
) -> tuple[Structure, ...]:
    """Return every structure that the model knows, measured; one that was not found has a volume of 0."""
    measures = measured(labels, image)
    return tuple(
        Structure(
            label=label.id,
            name=label.name,
            value=label.value,
            code=label.code,
            colour=label.colour,
            volume_ml=own.volume_ml if own else 0.0,
            mean_hu=own.mean if own else None,
            sd_hu=own.sd if own else None,
            box=own.box if own else None,
        )
        for label in known
        for own in [measures.get(label.value)]
    )


def _nothing_found(structures: Sequence[Structure]) -> list[Notice]:
    if any(structure.volume_ml > 0 for structure in structures):
        return []
    message = "None of the model's structures was found in this volume."
    fix = "Look whether the volume shows the part of the body, and in the orientation, that you expect."
    return [Notice(code="segment.nothing", level="warning", message=message, fix=fix)]
