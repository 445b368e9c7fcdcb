"""How well the starter finds again what it was trained on."""

from __future__ import annotations

import numpy as np
from torch import nn

from medtransfer.inference import segment
from medtransfer.transfer.segmentation_metrics import scores
from stunet_starter.data import PATCH, SPACING
from stunet_starter.views import Labelled


def own_dice(network: nn.Module, labelled: Labelled) -> float:
    """Return the mean Dice over the classes of the training volume itself, on the network's grid.

    It says how well the network fits, and nothing of how good it is for anybody else.
    """
    found = segment(network, labelled.values.numpy()[np.newaxis], PATCH)
    present = list(range(1, len(labelled.means)))
    compared = scores(found, labelled.classes.numpy(), present, SPACING)
    return float(np.mean([one.dice for one in compared.values() if one.dice is not None]))
