"""How well the starter finds again what it was trained on, and what it finds in another patient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from medtransfer.inference import segment
from medtransfer.study.model import Image
from medtransfer.transfer.segmentation_metrics import scores
from medtransfer.transfer.volumes import prepare
from stunet_starter.data import PATCH, SPACING, StarterData, only
from stunet_starter.views import Labelled

OTHER = {"aorta": "aorta", "vertebrae_t12": "vertebrae_T12"}
"""The structures that TotalSegmentator's reference files give for the other patient: our id, the file's name."""


def own_dice(network: nn.Module, labelled: Labelled) -> float:
    """Return the mean Dice over the classes of the training volume itself, on the network's grid.

    It says how well the network fits, and nothing of how good it is for anybody else.
    """
    found = segment(network, labelled.values.numpy()[np.newaxis], PATCH)
    present = list(range(1, len(labelled.means)))
    compared = scores(found, labelled.classes.numpy(), present, SPACING)
    return float(np.mean([one.dice for one in compared.values() if one.dice is not None]))


def other_dice(network: nn.Module, data: StarterData, folder: Path) -> dict[str, float]:
    """Return the Dice of the structures known in another patient, by their id, on that CT's own grid.

    Parameters
    ----------
    folder
        ``aorta_report`` of TotalSegmentator's reference files: a chest CT in an arterial phase, and masks that
        TotalSegmentator's own network drew.
    """
    image = only(folder / "example_ct.nii.gz")
    prepared = prepare(image, data.plan, ["CT"])
    found = prepared.frame.to_original(segment(network, prepared.values, PATCH))
    outputs = {structure.id: number for number, structure in enumerate(data.structures, start=1)}
    dice = {}
    for structure, name in OTHER.items():
        reference = placed(only(folder / "test_result" / "models" / f"{name}.nii.gz"), image)
        score = scores(found == outputs[structure], reference, [1], image.spacing or SPACING)[1]
        dice[structure] = score.dice or 0.0
    return dice


def placed(mask: Image, image: Image) -> NDArray[np.uint8]:
    """Return a mask (z, y, x) that was cut out of the image's grid, 0 or 1, on the whole of that grid."""
    if mask.affine is None or image.affine is None:
        raise ValueError("the mask and the image must be volumes")
    inside = np.argwhere(mask.array)
    points = np.c_[inside, np.ones(len(inside))] @ (np.linalg.inv(image.affine) @ mask.affine).T
    whole = np.zeros(image.array.shape, np.uint8)
    whole[tuple(np.rint(points[:, :3]).astype(int).T)] = 1
    return whole
