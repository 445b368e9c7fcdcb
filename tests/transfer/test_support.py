"""Pictures of confirmed cases that go with a model: pixels that the network sees, and nothing else of their files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from medtransfer import study
from medtransfer.contract.bundle import HOLDS_PICTURES, ModelBundle
from medtransfer.result import writing
from medtransfer.transfer import support
from medtransfer.transfer.trio_answering import TrioAnswerer
from tests.transfer import small
from tests.transfer.small import PlainContext, Small

SECRETS = ("Doe^Jane", "doe_jane", "MRN-4711", "St Elsewhere", "1950-01-01")
ARTIST, DESCRIPTION, CAMERA_OWNER, GPS = 0x013B, 0x010E, 0xA430, 0x8825


@pytest.fixture(scope="module")
def named(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the small cohort anew, as files that say whose they are: by name, by EXIF and by comment, in one column."""
    folder = tmp_path_factory.mktemp("named")
    with pictures.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        for number, row in enumerate(rows):
            pixels = np.array(Pillow.open(pictures.parent / row["image"]))
            pixels[:, :2] = (0, 0, 255)  # a name burnt into the part that Small does not show to its network
            exif = Pillow.Exif()
            exif.update({ARTIST: "Doe^Jane", DESCRIPTION: "1950-01-01", CAMERA_OWNER: "St Elsewhere"})
            exif.get_ifd(GPS).update({1: "N", 2: (51.0, 30.0, 0.0)})
            name = f"doe_jane_{number}.jpg"
            Pillow.fromarray(pixels).save(folder / name, quality=95, exif=exif, comment=b"Doe^Jane")
            writer.writerow({**row, "image": name, "patient": f"MRN-4711-{row['patient']}"})
    return folder / "labels.csv"


@pytest.fixture(scope="module")
def kept(named: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    ctx = PlainContext(tmp_path_factory.mktemp("kept"))
    return small.learn(named, ctx, ("bright",), ensemble="trio", folds=2, tune="head", epochs=2, keep_pictures=True)


@pytest.fixture(scope="module")
def model_without(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    return small.learn(pictures, PlainContext(tmp_path_factory.mktemp("without")), ("bright",), tune="head", epochs=1)


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.iterdir()):
        yield path.name, path.name.encode() + path.read_bytes()


def test_neither_model_nor_result_says_whose_pictures_they_are(kept: ModelBundle, named: Path, tmp_path: Path) -> None:
    image = study.open(named.parent / "doe_jane_1.jpg")[0].series[0].image()
    result = Small().analyse(image, kept, small.request(kept, explain=["bright"]), PlainContext(tmp_path / "ctx"))
    assert len(result.pictures) == 3
    writing.write(result, tmp_path / "result")
    written = [*files(kept.folder), *files(tmp_path / "result")]
    assert support.pictures_file("bright") in {name for name, _ in written}
    for name, content in written:
        found = [secret for secret in SECRETS if secret.encode() in content or secret.encode("utf-16-le") in content]
        assert found == [], name


def test_a_model_with_pictures_says_so_wherever_its_notes_are_shown(
    kept: ModelBundle, model_without: ModelBundle
) -> None:
    assert kept.card.remarks == [*kept.card.notes, HOLDS_PICTURES]
    assert HOLDS_PICTURES not in model_without.card.remarks


def test_the_files_beside_a_result_hold_pixels_alone(kept: ModelBundle, named: Path, tmp_path: Path) -> None:
    image = study.open(named.parent / "doe_jane_1.jpg")[0].series[0].image()
    result = Small().analyse(image, kept, small.request(kept), PlainContext(tmp_path / "ctx"))
    writing.write(result, tmp_path / "result")
    written = sorted((tmp_path / "result").glob("similar-*.png"))
    assert len(written) == 3
    for path in written:
        assert set(chunks(path.read_bytes())) == {b"IHDR", b"IDAT", b"IEND"}
        with Pillow.open(path) as opened:
            assert dict(opened.getexif()) == {}
            assert opened.info == {}
            assert opened.size == (support.SIDE, support.SIDE)


def test_what_lies_outside_of_the_part_that_the_network_sees_is_not_kept(kept: ModelBundle, tmp_path: Path) -> None:
    shown = all_pictures(kept, tmp_path)
    assert len(shown) == kept.card.labels[0].positives
    for pixels in shown.values():
        blue = pixels.astype(int)[..., 2] - pixels.astype(int)[..., :2].max(axis=2)
        assert blue[:, : support.SIDE // 8].mean() < 20, "two blue columns would fill a twentieth of the width"


def all_pictures(bundle: ModelBundle, folder: Path) -> dict[str, NDArray[np.uint8]]:
    """Return all pictures of a model by key."""
    return dict(TrioAnswerer.load(bundle, PlainContext(folder)).pictures.by_key)


def chunks(png: bytes) -> Iterator[bytes]:
    """Yield the types of the chunks of a PNG file (PNG specification, 5.3)."""
    place = 8
    while place < len(png):
        length = int.from_bytes(png[place : place + 4], "big")
        yield png[place + 4 : place + 8]
        place += 12 + length
