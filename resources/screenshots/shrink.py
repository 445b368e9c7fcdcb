"""Make a screenshot small enough for the repository, without a change that anybody sees.

    python resources/screenshots/shrink.py SCREENSHOT PICTURE

A palette of 256 colours: those of the theme as they are, the rest learnt from the picture, so that neither words in red
or amber nor the shades of a photograph go astray.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from medtransfer.gui import theme

WIDTH = 1200
MOST_BYTES = 200_000
METHODS = (Image.Quantize.MEDIANCUT, Image.Quantize.FASTOCTREE)
"""The first finds the many shades of a grey picture, the second the few pixels of a heat map's bright colours."""


def shrink(screenshot: Path, picture: Path) -> int:
    """Write the reduced picture and return its size in bytes; what is too large loses its dithering, then shades."""
    whole = Image.open(screenshot).convert("RGB")
    image = whole.resize((WIDTH, round(whole.height * WIDTH / whole.width)), Image.Resampling.LANCZOS)
    fixed = sorted({_rgb(colour) for colours in theme.COLOURS.values() for colour in colours.values()})
    rest = 256 - len(fixed)
    for shades, dither in ((rest, Image.Dither.FLOYDSTEINBERG), (rest, Image.Dither.NONE), (80, Image.Dither.NONE)):
        learnt = [_learnt(image, shades // 2, method) for method in METHODS]
        entries = np.concatenate([np.array(fixed, np.uint8), *learnt])
        palette = Image.new("P", (1, 1))
        palette.putpalette(entries.tobytes())
        image.quantize(palette=palette, dither=dither).save(picture, optimize=True)
        if picture.stat().st_size <= MOST_BYTES:
            break
    return picture.stat().st_size


def _learnt(image: Image.Image, shades: int, method: Image.Quantize) -> NDArray[np.uint8]:
    palette = image.quantize(shades, method=method, kmeans=5).getpalette() or []
    return np.reshape(palette, (-1, 3)).astype(np.uint8)


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))


if __name__ == "__main__":
    print(shrink(Path(sys.argv[1]), Path(sys.argv[2])))
