"""How often the maximum of the map for diabetic retinopathy falls on a lesion, or near one, on real photographs.

Trains a trio on IDRiD's grading part and looks at the 54 photographs of IDRiD on which lesions were outlined
(microaneurysms, haemorrhages, hard and soft exudates). All show the disease. Most of them are in the grading part as
well, under other names: every photograph of it whose retina looks the same (correlation of at least ``SAME``) is left
out of the training. Patients cannot be matched beyond that, because none were published.

*Near* is a distance from the nearest pixel of any lesion of at most a half (or a quarter) of that photograph's optic
disc diameter, taken from the outlined disc's area. Half a diameter is about as fine as the maps are: a cell of
Grad-CAM's 12 x 12 grid is some 0.7 diameters wide.

*Less healthy* is a control: what each place adds to the logit, minus the mean of that over ``HEALTHY`` photographs
without the disease. Grad-CAM shows what speaks for it; where a retina only speaks less against it than healthy ones do,
Grad-CAM has nothing to show.

*Chance* is the share of the field of view that lies as near, the mean over the photographs: what a point drawn evenly
from the field would reach. *Centre* is the middle of the field of view, where a photographer puts the macula. A maximum
outside the field, or no map at all, is a miss. Intervals are 95 % of a bootstrap over photographs; the last columns are
paired: the maps' share minus that of chance, and minus that of the centre.

Prints the tables, whichever way they fall. Needs the folder of real images (``MEDTRANSFER_DATA``).

    python -m tests.benchmarks.bench_lesions [--seeds 1 2026] [--recipe standard] [--set KEY=VALUE ...] [--keep FOLDER]

Every seed deals the training photographs anew; a photograph's share is the mean over the seeds. With ``--keep`` the
trainings stay in that folder, and another run looks at the same models again.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from medtransfer_fundus_trio import field_of_view
from medtransfer_fundus_trio.plugin import FundusTrio
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy import ndimage
from torch import Tensor, nn

from medtransfer import study
from medtransfer.contract.bundle import ModelBundle, Preprocessing
from medtransfer.store.home import Home
from medtransfer.study.model import Image
from medtransfer.transfer.pictures import Region, as_unit, normalised, onto_picture, seen, square
from medtransfer.transfer.trio_answering import TrioAnswerer
from medtransfer.work.learn import learn
from medtransfer.work.planning import Wish
from medtransfer.work.session import Session
from tests.transfer.small import PlainContext

ROOT = Path(__file__).resolve().parents[2]
LABEL = "dr"
LESIONS = ("ma", "he", "ex", "se")
SAME = 0.97
"""Of 54 photographs 41 have a partner above 0.998; two more, at 0.980 and 0.987, may be other pictures of one eye; the
next is at 0.954."""
MARGINS = {"on a lesion": 0.0, "within 1/4 disc": 0.25, "within 1/2 disc": 0.5}
"""In optic disc diameters."""
SMALLER = ("folds=2", "epochs=4", "views=2")
"""Changes to the recipe for the sake of time; folds matter for the vote only, and not for the maps."""
HEALTHY = 60
_THUMBNAIL = 48
_RESAMPLES = 5000

_ndimage: Any = ndimage  # SciPy carries no types

Plane = NDArray[np.bool_]
Point = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Outlined:
    """A photograph with what was outlined on it: masks (y, x), and where every pixel lies.

    ``distance`` is that of each pixel from the nearest lesion, in disc diameters; ``field`` is True inside the retina.
    """

    image: Image
    region: Region
    field: Plane
    disc: Plane
    distance: NDArray[np.float64]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2026])
    parser.add_argument("--recipe", default="standard")
    parser.add_argument("--set", action="append", default=[*SMALLER], metavar="KEY=VALUE")
    parser.add_argument("--keep", type=Path)
    chosen = parser.parse_args()
    data = Path(os.environ.get("MEDTRANSFER_DATA", ROOT.parent / "shared" / "data")) / "fundus"
    settings = dict(setting.split("=", 1) for setting in chosen.set)
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        table = write_table(data, folder)
        photographs = [outlined(path) for path in sorted((data / "idrid-lesions" / "images").glob("*.jpg"))]
        found: dict[str, list[list[Point | None]]] = {}
        for seed in chosen.seeds:
            training = folder / f"training-{seed}"
            if not (training / "model").exists():
                train(table, training, chosen.recipe, {**settings, "seed": str(seed)})
            seen_by = points(photographs, ModelBundle.open(training / "model"), table, Path(temporary))
            for name, places in seen_by.items():
                found.setdefault(name, []).append(places)
        for title, margin in MARGINS.items():
            print_table(title, margin, photographs, found)


def write_table(data: Path, folder: Path) -> Path:
    """Write the table of the grading photographs that are not among the outlined ones."""
    table = folder / "table.csv"
    left_out = same(data / "idrid" / "images", data / "idrid-lesions" / "images")
    with (data / "idrid" / "labels.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if Path(row["image"]).stem not in left_out]
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "patient", LABEL])
        for row in rows:
            writer.writerow([(data / "idrid" / row["image"]).resolve(), row["patient"], row[LABEL]])
    print(f"{len(left_out)} photographs left out, {len(rows)} to learn from and to test on")
    return table


def train(table: Path, training: Path, recipe: str, settings: Mapping[str, str]) -> None:
    """Train a trio, and print how good it is."""
    begun = time.monotonic()
    wish = Wish(
        "medtransfer.fundus-trio", table, recipe=recipe, name=training.name, labels=(LABEL,),
        settings={"ensemble": "trio", **settings},
    )  # fmt: skip
    with Session(Home.locate(table.parent / "home").prepare()) as session:
        evaluation = learn(session, wish, training).bundle.card.evaluation
    assert evaluation is not None
    areas = [f"{part.combination} {part.auroc.value:.3f}" for part in evaluation.ablation if part.auroc is not None]
    print(f"{training.name}: test AUROC {', '.join(areas)}; {time.monotonic() - begun:.0f} s", flush=True)


def same(graded: Path, with_lesions: Path) -> set[str]:
    """Return the names of those graded photographs that show the same as one with outlined lesions."""
    paths = sorted(graded.glob("*.jpg"))
    ours, theirs = (np.stack([_retina(path) for path in some]) for some in (paths, sorted(with_lesions.glob("*.jpg"))))
    alike = (ours @ theirs.T).max(axis=1) >= SAME
    return {path.stem for path, one in zip(paths, alike, strict=True) if one}


def outlined(path: Path) -> Outlined:
    """Open a photograph with its masks."""
    image = study.open(path)[0].series[0].image()
    region = FundusTrio().region(image)
    y, x = np.indices(image.spatial_shape)
    squares = (y - region.top - region.height / 2) ** 2 + (x - region.left - region.width / 2) ** 2
    inside = (y >= region.top) & (y < region.top + region.height)
    field = inside & (squares <= (max(region.height, region.width) / 2) ** 2)
    disc = _mask(path, "od", image)
    lesions = np.logical_or.reduce([_mask(path, kind, image) for kind in LESIONS])
    diameter = 2.0 * math.sqrt(disc.sum() / math.pi)
    return Outlined(image, region, field, disc, _ndimage.distance_transform_edt(~lesions) / diameter)


def points(
    photographs: Sequence[Outlined], bundle: ModelBundle, table: Path, scratch: Path
) -> dict[str, list[Point | None]]:
    """Return where the maximum of each map lies on each photograph, and the centre of its field."""
    answerer, preprocessing = TrioAnswerer.load(bundle, PlainContext(scratch)), bundle.card.for_pictures
    networks = {"A less healthy": answerer.networks[LABEL], "B less healthy": answerer.second[LABEL]}
    healthy = [prepared(image, FundusTrio().region(image), preprocessing) for image in healthy_pictures(table)]
    means = {name: np.mean([evidence(network, one) for one in healthy], axis=0) for name, network in networks.items()}
    found: dict[str, list[Point | None]] = {name: [] for name in ("A", "B", "A and B", *networks, "centre")}
    called, threshold = [], next(label.threshold for label in bundle.card.labels if label.id == LABEL)
    for photograph in photographs:
        image, region = photograph.image, photograph.region
        given, part = prepared(image, region, preprocessing), seen(region, preprocessing)
        for one in answerer.explain(LABEL, given):
            place = _highest(onto_picture(one.cam.maps[0, 0], part, image))
            found[one.part.upper() or "A and B"].append(None if one.cam.empty[0, 0] else place)
        for name, network in networks.items():
            apart = evidence(network, given) - means[name]
            found[name].append(_highest(onto_picture(apart - apart.min(), part, image)))
        found["centre"].append((region.top + region.height // 2, region.left + region.width // 2))
        called.append(float(answerer.probabilities([LABEL], given)[0, 0]) >= threshold)
    print(f"{sum(called)} of {len(called)} photographs are called positive", flush=True)
    return found


def prepared(image: Image, region: Region, preprocessing: Preprocessing) -> Tensor:
    """Return a picture as networks read it, (1, 3, y, x)."""
    return normalised(as_unit(square(image, region, preprocessing)[None]), preprocessing)


def healthy_pictures(table: Path) -> list[Image]:
    """Return some of the photographs without the disease that may be learnt from."""
    with table.open(encoding="utf-8", newline="") as stream:
        paths = [row["image"] for row in csv.DictReader(stream) if row[LABEL] == "0"]
    chosen = np.random.default_rng(0).permutation(len(paths))[:HEALTHY]
    return [study.open(Path(paths[at]))[0].series[0].image() for at in chosen]


def evidence(network: nn.Module, given: Tensor) -> NDArray[np.float32]:
    """Return what each place adds to the logit, signed (CAM, Zhou et al., CVPR 2016), on the input's grid: (y, x)."""
    timm_network: Any = network.eval()
    with torch.no_grad():
        maps = timm_network.forward_features(given)
        summed = torch.einsum("nchw,c->nhw", maps, timm_network.get_classifier().weight[0])
    large = nn.functional.interpolate(summed[None], size=given.shape[2:], mode="bilinear", align_corners=False)
    return np.asarray(large[0, 0].numpy(), dtype=np.float32)


def print_table(
    title: str, margin: float, photographs: Sequence[Outlined], found: Mapping[str, Sequence[Sequence[Point | None]]]
) -> None:
    """Print how often the points lie so near to a lesion; ``found`` has the points of each seed."""
    chance = np.array([(one.distance[one.field] <= margin).mean() for one in photographs])
    hits = {name: _shares(photographs, runs, lambda one, at: _near(one, at, margin)) for name, runs in found.items()}
    print(f"\n{title:16s} share of photographs     minus chance               minus centre")
    for name, hit in hits.items():
        against = "" if name == "centre" else f"   {_interval(hit - hits['centre'], signed=True)}"
        print(f"{name:16s} {_interval(hit)}   {_interval(hit - chance, signed=True)}{against}")
    print(f"{'chance':16s} {_interval(chance)}")
    if margin == 0.0:
        for name, runs in found.items():
            on_disc, outside = (_shares(photographs, runs, of).mean() for of in (_on_disc, _outside))
            print(f"{name:16s} on the optic disc {on_disc:.2f}, outside the field of view {outside:.2f}")


def _shares(
    photographs: Sequence[Outlined],
    runs: Sequence[Sequence[Point | None]],
    true: Callable[[Outlined, Point], bool],
) -> NDArray[np.float64]:
    """Return for each photograph the share of seeds whose point is so; a photograph without a map has none."""
    each = [[at is not None and true(one, at) for one, at in zip(photographs, run, strict=True)] for run in runs]
    return np.asarray(np.mean(each, axis=0), dtype=np.float64)


def _near(photograph: Outlined, point: Point, margin: float) -> bool:
    return bool(photograph.field[point]) and bool(photograph.distance[point] <= margin)


def _on_disc(photograph: Outlined, point: Point) -> bool:
    return bool(photograph.disc[point])


def _outside(photograph: Outlined, point: Point) -> bool:
    return not photograph.field[point]


def _highest(values: NDArray[np.float32]) -> Point:
    y, x = np.unravel_index(int(values.argmax()), values.shape)
    return int(y), int(x)


def _mask(path: Path, kind: str, image: Image) -> Plane:
    """Return what was outlined of a kind, all False where there is no such file."""
    file = path.parents[1] / "masks" / f"{path.stem}_{kind}.png"
    if not file.exists():
        return np.zeros(image.spatial_shape, dtype=bool)
    return np.asarray(Pillow.open(file).convert("L")) > 0


def _retina(path: Path) -> NDArray[np.float64]:
    """Return a photograph's retina, small and grey, so that a product of two is their correlation."""
    rgb = np.asarray(Pillow.open(path).convert("RGB"))
    region = field_of_view.find(rgb).region
    part = rgb[region.top : region.top + region.height, region.left : region.left + region.width]
    size = (_THUMBNAIL, _THUMBNAIL)
    small = np.asarray(Pillow.fromarray(part).convert("L").resize(size, Pillow.Resampling.BOX), dtype=np.float64)
    y, x = np.indices(small.shape) - (_THUMBNAIL - 1) / 2
    values = small[np.hypot(y, x) < 0.46 * _THUMBNAIL]
    values = values - values.mean()
    return np.asarray(values / np.linalg.norm(values))


def _interval(values: NDArray[np.float64], *, signed: bool = False) -> str:
    """Return a mean with the 95 % interval of its bootstrap over photographs."""
    draws = np.random.default_rng(1).integers(0, len(values), (_RESAMPLES, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    form = "+.2f" if signed else ".2f"
    return f"{values.mean():{form}} ({low:{form}} to {high:{form}})".ljust(24)


if __name__ == "__main__":
    main()
