"""Draw what the encoder that comes with the chest plug-in knows of hidden patches, on images that it has not seen.

    cd plugins/thorax_mae && python -m tools.draw_reconstructions DATA WORK PICTURE [--epochs 20] [--cases 800]

An encoder comes without the decoder that it learnt with. Here another one is trained on top of it, while the encoder
stays as it is, on radiographs that the encoder learnt from; an interrupted run goes on in WORK. PICTURE shows pydicom's
test files of a chest and of a leg (package pydicom-data, MIT), the latter as what the encoder knows nothing of.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from medtransfer_thorax_mae.plugin import ThoraxMae
from PIL import Image
from pydicom.data import get_testdata_file
from safetensors.torch import load_file
from tools.make_chest_starter import SOURCES, kept_out

from medtransfer import cohort
from medtransfer.cohort.model import Case
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.pretraining import PretrainRecipe
from medtransfer.transfer.augment import Augmentation
from medtransfer.transfer.masked_autoencoder import MaskedAutoencoder
from medtransfer.transfer.masked_fit import MaskedFit, MaskedProgress, MaskedTask
from medtransfer.transfer.masked_pretraining import sheet
from medtransfer.transfer.prepared import PictureFolder

ENCODER = Path(__file__).resolve().parents[1] / "medtransfer_thorax_mae" / "encoder"
SHOWN = ("RG1_UNCR.dcm", "RG3_UNCR.dcm")
DECODER = ("decoder_", "mask_token")
LARGER = 8 / 7
ENLARGED = 2


@dataclass(eq=False)
class _Here:
    """What a training asks of the worker that it runs in; here there is none."""

    device: Literal["cpu"] = "cpu"

    def check(self) -> None:
        """Go on: whoever wants to stop this stops the process."""


def main() -> None:
    """Train the decoder, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--cases", type=int, default=800)
    chosen = parser.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    learnt, shown = cases(chosen.data / "chest", chosen.cases, chosen.work / "images.csv")
    card = ModelBundle.open(ENCODER).card
    changed = {"epochs": chosen.epochs, "warmup_epochs": 1}
    recipe = PretrainRecipe.model_validate({**card.recipe.model_dump(), **changed})
    pictures = prepared(recipe.input_size, [*learnt, *shown], chosen.work)
    task = MaskedTask(
        recipe,
        MaskedAutoencoder.ratio,
        pictures,
        card.for_pictures,
        [case.key for case in learnt],
        [case.key for case in shown],
    )
    context: Any = _Here()
    fit = MaskedFit(frozen_encoder(card.backbone, recipe.input_size), task, context)
    fit.run(chosen.work / "decoder.checkpoint", _tell)
    rows = Image.fromarray(sheet(*fit.filled_in(task.validation), task.preprocessing)).convert("L")
    larger = rows.resize((rows.width * ENLARGED, rows.height * ENLARGED), Image.Resampling.LANCZOS)
    larger.save(chosen.picture, optimize=True)


def cases(chest: Path, count: int, table: Path) -> tuple[list[Case], list[Case]]:
    """Return as many radiographs that the encoder learnt from, and the images to show."""
    rows = []
    for source in SOURCES:
        with (chest / source / "labels.csv").open(encoding="utf-8", newline="") as stream:
            own = [row for row in csv.DictReader(stream) if not kept_out(source, row["patient"])]
        some = np.random.default_rng(1).permutation(len(own))[: count // len(SOURCES)]
        rows += [(chest / source / own[i]["image"], f"{source} {own[i]['patient']}", i % 2) for i in some]
    rows += [(Path(str(get_testdata_file(name))), name, 0) for name in SHOWN]
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([("image", "patient", "any"), *((image.resolve(), who, any_) for image, who, any_ in rows)])
    read = cohort.read(table, None).cases
    shown = [case for case in read if case.patient in SHOWN]
    return [case for case in read if case not in shown], shown


def prepared(side: int, members: Sequence[Case], work: Path) -> PictureFolder:
    """Prepare pictures as pretraining does."""
    card = ModelBundle.open(ENCODER).card
    larger = card.for_pictures.model_copy(update={"size": round(side * LARGER)})
    plugin = ThoraxMae()
    folder = PictureFolder.within(work, {}, lambda case: plugin.open_case(case, larger), larger, Augmentation())
    folder.fill(members, lambda _share: None)
    return folder


def frozen_encoder(backbone: str, side: int) -> MaskedAutoencoder:
    """Return the encoder, which stays as it is, with an untrained decoder."""
    torch.manual_seed(1)
    network = MaskedAutoencoder(backbone, side)
    tensors = {name: value.float() for name, value in load_file(ENCODER / "encoder.safetensors").items()}
    network.load_state_dict(tensors, strict=False)
    for name, parameter in network.named_parameters():
        if not name.startswith(DECODER):
            parameter.requires_grad = False
    return network


def _tell(progress: MaskedProgress) -> None:
    print(progress.history[-1], flush=True)


if __name__ == "__main__":
    main()
