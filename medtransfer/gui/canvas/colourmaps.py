"""Perceptual colour maps for heat maps."""

from __future__ import annotations

from functools import cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

ColourMap = Literal["inferno", "cividis"]
COLOUR_MAPS: tuple[ColourMap, ...] = get_args(ColourMap)

# 33 even steps of the maps as matplotlib has them (CC0): inferno by Nathaniel Smith and Stefan van der Walt; cividis by
# Nunez, Anderton and Renslow (PLoS ONE 13(7): e0199239), even for readers with colour vision deficiency.
_STEPS = {
    "inferno": """
        000004 040312 0b0724 150b37 210c4a 2f0a5b 3d0965 4a0c6b 57106e 64156e 71196e
        7d1e6d 8a226a 972766 a32c61 b0315b bc3754 c73e4c d24644 db503b e45a31 eb6628
        f1731d f68013 f98e09 fb9d07 fcac11 fbbc21 f9cb35 f5db4c f2ea69 f3f68a fcffa4
    """,
    "cividis": """
        00224e 00285b 002e6a 053371 1a386f 273e6e 32436d 3b496c 434e6c 4b546c 535a6d
        5a5f6e 61656f 686a71 6f7073 767676 7d7c78 848279 8c8878 938e78 9b9476 a39a74
        aba072 b4a76f bcae6c c4b468 cdbb63 d5c25e dec958 e7d150 f0d846 f9e03a fee838
    """,
}


@cache
def table(name: ColourMap) -> NDArray[np.uint8]:
    """Return a colour map as 256 rows of red, green and blue."""
    steps = np.array([list(bytes.fromhex(step)) for step in _STEPS[name].split()], dtype=np.float64)
    places = np.linspace(0.0, 255.0, len(steps))
    channels = [np.interp(np.arange(256), places, steps[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)
