"""Masked pretraining from request to bundle: an encoder that knows the hospital's own pictures, but no findings yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch import Tensor

from medtransfer.cohort.model import Case, Cohort, Partition
from medtransfer.contract.bundle import BundleCard, ModelBundle, Preprocessing
from medtransfer.contract.requests import RECONSTRUCTIONS, PretrainRequest
from medtransfer.contract.verbs import Context
from medtransfer.errors import DataError
from medtransfer.transfer import bundles, masked_networks
from medtransfer.transfer.augment import Augmentation
from medtransfer.transfer.masked_fit import MaskedFit, MaskedProgress, MaskedTask
from medtransfer.transfer.masked_networks import MaskedNetwork
from medtransfer.transfer.prepared import PictureFolder
from medtransfer.transfer.publication import data_statement, versions

_CHECKPOINT = "masked.checkpoint"
_PREPARED = 0.1
"""Share of the progress bar at which preparing pictures ends."""
_MARGIN = 8 / 7
"""Prepared pictures are larger than what the network sees by this factor, so that parts of them are sharp."""
_SHOWN, _SHEETS = 4, 10
_GREY = 0.5


class Preparing(Protocol):
    """What is particular to a plug-in: see :class:`medtransfer.sdk.MaskedClassifierPlugin`."""

    backbone: str
    crop: str

    def open_case(self, case: Case, preprocessing: Preprocessing) -> NDArray[np.uint8]:
        """Open and prepare one case: uint8 (size, size, 3)."""


class MaskedPretraining:
    """One pretraining. Sheets of reconstructions are written beside the checkpoints while it runs."""

    def __init__(self, plugin: Preparing, cohort: Cohort, request: PretrainRequest, ctx: Context) -> None:
        torch.set_num_threads(ctx.threads)
        self._cohort, self._request, self._ctx = cohort, request, ctx
        self._recipe = request.recipe
        self._backbone = self._recipe.backbone or plugin.backbone
        self._crop = plugin.crop
        self._cases = held_out(cohort, self._recipe.validation_share, self._recipe.seed)
        larger = Preprocessing(
            size=round(self._recipe.input_size * _MARGIN), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), crop=plugin.crop
        )
        self._pictures = PictureFolder.within(
            ctx.cache,
            {"plugin": ctx.manifest.id, "version": ctx.manifest.version},
            lambda case: plugin.open_case(case, larger),
            larger,
            Augmentation(),
        )

    def run(self) -> ModelBundle:
        """Train the encoder and write the bundle."""
        torch.manual_seed(self._recipe.seed)
        network = masked_networks.build(self._backbone, self._recipe.input_size)
        ratio = self._recipe.mask_ratio or network.ratio
        self._pictures.fill(self._cohort.cases, self._tell_prepared)
        keys = {partition: [case.key for case in cases] for partition, cases in self._cases.items()}
        mean, std = colour_statistics(self._pictures, keys["train"])
        preprocessing = Preprocessing(size=self._recipe.input_size, mean=mean, std=std, crop=self._crop)
        task = MaskedTask(self._recipe, ratio, self._pictures, preprocessing, keys["train"], keys["validation"])
        fit = MaskedFit(network, task, self._ctx)
        sheets = self._ctx.checkpoints / RECONSTRUCTIONS
        sheets.mkdir(exist_ok=True)

        def tell(progress: MaskedProgress) -> None:
            epoch, epochs = progress.epoch, self._recipe.epochs
            if epoch % max(1, epochs // _SHEETS) == 0 or epoch == epochs:
                filled_in = fit.filled_in(keys["validation"][:_SHOWN])
                _save_sheet(sheets / f"epoch-{epoch:04}.png", sheet(*filled_in, preprocessing))
            share = _PREPARED + (1 - _PREPARED) * epoch / epochs
            self._ctx.progress(share, f"epoch {epoch} of {epochs}", **progress.history[-1])

        progress = fit.run(self._ctx.checkpoints / _CHECKPOINT, tell)
        return self._write(network, preprocessing, {"mask_ratio": ratio, "history": progress.history})

    def _write(self, network: MaskedNetwork, preprocessing: Preprocessing, course: Mapping[str, Any]) -> ModelBundle:
        manifest = self._ctx.manifest
        card = BundleCard(
            name=self._request.name,
            plugin=manifest.id,
            plugin_version=manifest.version,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            task="pretraining",
            labels=[],
            backbone=self._backbone,
            preprocessing=preprocessing,
            recipe=self._recipe,
            weights=[],
            data=data_statement(self._cohort, self._cases),
            versions=versions(manifest),
            seed=self._recipe.seed,
            extra={"pretraining": course},
        )
        return bundles.write(self._ctx.output, card, {bundles.ENCODER: bundles.stored(network.encoder_tensors())})

    def _tell_prepared(self, share: float) -> None:
        self._ctx.check()
        self._ctx.progress(_PREPARED * share, "preparing pictures")


def held_out(cohort: Cohort, share: float, seed: int) -> dict[Partition, list[Case]]:
    """Keep a share of the patients for validation, at least one; the others are learned from.

    Raises
    ------
    DataError
        ``pretrain.too-few`` when there are fewer than two patients.
    """
    patients = sorted({case.patient for case in cohort.cases})
    if len(patients) < 2:
        raise DataError(
            "pretraining needs images of at least two patients",
            code="pretrain.too-few",
            hint="Add images: some thousand are a sensible start.",
        )
    count = min(len(patients) - 1, max(1, round(share * len(patients))))
    order = np.random.default_rng(seed).permutation(len(patients))
    kept = {patients[i] for i in order[:count]}
    return {
        "train": [case for case in cohort.cases if case.patient not in kept],
        "validation": [case for case in cohort.cases if case.patient in kept],
        "test": [],
    }


Colour = tuple[float, float, float]


def colour_statistics(pictures: PictureFolder, keys: Sequence[str]) -> tuple[Colour, Colour]:
    """Return mean and standard deviation of red, green and blue over all pixels, in [0, 1]."""
    sums, squares = torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    for key in keys:
        unit = pictures.unit([key])[0].double().flatten(1)
        sums += unit.mean(dim=1)
        squares += unit.square().mean(dim=1)
    mean = sums / len(keys)
    std = (squares / len(keys) - mean.square()).clamp(min=1e-6).sqrt()
    return _colour(mean), _colour(std)


def sheet(pictures: Tensor, hidden: Tensor, filled_in: Tensor, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Lay out one row per picture: as it is, as the network saw it, and with the hidden patches filled in.

    Parameters
    ----------
    pictures, filled_in
        Normalised, float32 (n, 3, side, side).
    hidden
        bool (n, 1, side, side).

    Returns
    -------
    NDArray[np.uint8]
        (n * side, 3 * side, 3).
    """
    mean = torch.tensor(preprocessing.mean).view(1, 3, 1, 1)
    std = torch.tensor(preprocessing.std).view(1, 3, 1, 1)
    unit, made = (values * std + mean for values in (pictures, filled_in))
    row = torch.cat([unit, unit.masked_fill(hidden, _GREY), torch.where(hidden, made, unit)], dim=3)
    pixels = (row.clamp(0.0, 1.0) * 255).round().to(torch.uint8)
    return np.asarray(torch.cat(list(pixels), dim=1).permute(1, 2, 0))


def _save_sheet(path: Path, pixels: NDArray[np.uint8]) -> None:
    partial = path.with_name(f"{path.name}.partial")
    Pillow.fromarray(pixels).save(partial, format="PNG")
    partial.replace(path)


def _colour(values: Tensor) -> Colour:
    red, green, blue = values.tolist()
    return red, green, blue
