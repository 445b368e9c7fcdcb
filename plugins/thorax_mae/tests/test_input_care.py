"""What the plug-in says of images that are no frontal radiographs, and what it does not say of those that are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from medtransfer_thorax_mae import input_care, marks, projection
from medtransfer_thorax_mae import plugin as module
from medtransfer_thorax_mae.plugin import ThoraxMae
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFilter, ImageFont
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from medtransfer import study
from medtransfer.contract.bundle import ModelBundle
from medtransfer.resources import resource
from medtransfer.result.model import Heatmap, HeatmapInfo
from medtransfer.study.display import rgb8
from medtransfer.study.model import Image
from tests.transfer.small import PlainContext, request

Grey = NDArray[np.uint8]
FONT = ImageFont.truetype(str(resource("fonts/Inter-SemiBold.otf")), 22)


def _drawn(side: int, *parts: tuple[float, float, float, float, int]) -> Grey:
    """Draw ellipses on air, each over those before it, with soft edges: middle, half axes (row, column), grey level."""
    rows, columns = (axis / side for axis in np.mgrid[:side, :side])
    pixels = np.full((side, side), 12, np.uint8)
    for row, column, height, width, level in parts:
        pixels[((rows - row) / height) ** 2 + ((columns - column) / width) ** 2 < 1] = level
    return np.asarray(Pillow.fromarray(pixels).filter(ImageFilter.GaussianBlur(side / 50)))


def frontal(side: int = 200) -> Grey:
    """Draw a body with two lungs beside a bright middle."""
    lungs = [(0.45, column, 0.25, 0.11, 60) for column in (0.32, 0.68)]
    return _drawn(side, (0.75, 0.5, 0.65, 0.44, 190), *lungs)


def lateral(side: int = 200) -> Grey:
    """Draw a body with one dark field in its middle, and the spine behind it."""
    return _drawn(side, (0.7, 0.5, 0.7, 0.35, 170), (0.45, 0.58, 0.3, 0.17, 60), (0.5, 0.22, 0.6, 0.07, 235))


def image_of(pixels: Grey, **header: str) -> Image:
    fields = {"modality": "DX", "units": "display", **header}
    return Image(array=pixels, axes="yx", **fields)  # type: ignore[arg-type]  # texts


def opened(path: Path) -> Image:
    return study.open(path)[0].series[0].image()


def codes(image: Image) -> list[str]:
    return [notice.code.removeprefix("thorax.") for notice in ThoraxMae().notices(image)]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({}, []),
        ({"view": "PA", "body_part": "CHEST"}, []),
        ({"view": "LL"}, ["lateral"]),
        ({"view": "AP"}, ["ap"]),
        ({"view": "lateral", "body_part": "HAND"}, ["lateral", "body-part"]),
    ],
)
def test_the_header_is_heeded(header: dict[str, str], expected: list[str]) -> None:
    assert codes(image_of(frontal(), **header)) == expected


def test_a_lateral_view_is_guessed_where_the_file_does_not_say() -> None:
    assert codes(image_of(lateral())) == ["maybe-lateral"]
    assert codes(image_of(lateral()[:, ::-1])) == ["maybe-lateral"]
    assert codes(image_of(lateral(), view="PA")) == []


def test_grey_levels_turned_around_are_noticed() -> None:
    assert codes(image_of(255 - frontal())) == ["negative"]


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (128, 128), (700, 130)])
def test_an_even_picture_of_any_size_is_called_empty_and_nothing_else(shape: tuple[int, int]) -> None:
    assert codes(image_of(np.full(shape, 90, np.uint8))) == ["flat"]
    assert marks.find(np.full(shape, 90, np.uint8)) == []
    assert not projection.measure(np.full(shape, 90, np.uint8)).negative


def test_a_leg_is_no_chest() -> None:
    chest, leg = (opened(Path(str(get_testdata_file(f"RG{n}_UNCR.dcm")))) for n in (1, 3))
    assert not [n for n in ThoraxMae().notices(chest) if n.level == "warning"]
    assert "body-part" in codes(leg)


def test_colour_is_noticed_and_grey_in_three_channels_is_not(data_folder: Path) -> None:
    grey = np.repeat(frontal()[..., None], 3, axis=2)
    colour, tinted = grey.copy(), grey.copy()
    colour[..., 2] = 0
    tinted[..., 2] = np.minimum(grey[..., 2] * 1.06, 255)
    for pixels, expected in ((grey, []), (colour, ["colour"]), (tinted, ["photograph"])):
        image = Image(array=pixels, axes="yxc", modality="OT", units="display", meaning="rgb")
        assert codes(image) == expected
    assert codes(opened(next((data_folder / "fundus").rglob("*.jpg")))) == ["colour"]


def test_a_file_without_a_window_is_told() -> None:
    stored = image_of(frontal(), units="stored")
    assert codes(stored) == ["no-window"]


@pytest.fixture(scope="module")
def radiographs(data_folder: Path) -> list[Path]:
    """Return every twelfth radiograph of adults, and every hundredth of children."""
    chest = data_folder / "chest"
    adults, children = sorted((chest / "nih" / "images").glob("*.jpg")), sorted((chest / "kermany").rglob("*.jp*g"))
    return [*adults[::12], *children[::100]]


def test_frontal_radiographs_are_hardly_ever_doubted(radiographs: list[Path]) -> None:
    found = Counter(code for path in radiographs for code in codes(opened(path)))
    assert len(radiographs) >= 75
    assert found["maybe-lateral"] <= 0.05 * len(radiographs), found
    assert not {"negative", "colour", "photograph", "flat"} & found.keys()
    assert found["marks"] >= 0.75 * len(radiographs)


def test_their_negatives_are_told(radiographs: list[Path]) -> None:
    shapes = [projection.measure(255 - np.ascontiguousarray(rgb8(opened(path))[..., 1])) for path in radiographs[::2]]
    assert sum(shape.negative for shape in shapes) >= 0.9 * len(shapes)


def marked(pixels: Grey, place: tuple[int, int]) -> Grey:
    """Burn a word into a radiograph, its upper left corner at (column, row)."""
    picture = Pillow.fromarray(pixels)
    ImageDraw.Draw(picture).text(place, "PORT", fill=255, font=FONT)
    return np.asarray(picture)


def test_burned_in_letters_are_found_where_they_are() -> None:
    assert marks.find(frontal(512)) == []
    found = marks.find(marked(frontal(512), (30, 40)))
    assert found
    assert all(40 <= mark.top < mark.bottom <= 70 and 28 <= mark.left < mark.right <= 110 for mark in found)
    large = np.asarray(Pillow.fromarray(marked(frontal(512), (30, 40))).resize((1024, 1024)))
    assert all(80 <= mark.top < mark.bottom <= 140 for mark in marks.find(large))
    assert marks.find(marked(frontal(512), (230, 240))) == []  # in the middle it is no marker
    assert codes(image_of(marked(frontal(512), (30, 40)))) == ["marks"]


def _map(row: int, column: int, part: str = "") -> Heatmap:
    values = np.zeros((512, 512), np.float32)
    values[row - 16 : row + 16, column - 16 : column + 16] = 1.0
    return Heatmap(HeatmapInfo(label="mass", part=part, method="Grad-CAM", layer="x", raw_maximum=1.0), values)


def test_a_map_that_points_at_letters_is_warned_of() -> None:
    image = image_of(marked(frontal(512), (30, 40)))
    (notice,) = ThoraxMae().notices_of_maps(image, [_map(52, 50), _map(52, 50, part="a")])
    assert (notice.code, notice.level) == ("thorax.map-on-mark", "warning")
    assert notice.message.startswith("mass: ")
    assert ThoraxMae().notices_of_maps(image, [_map(300, 300)]) == []
    assert ThoraxMae().notices_of_maps(image_of(frontal(512)), [_map(52, 50)]) == []


class Probabilities:
    """The starter's probabilities for a file."""

    def __init__(self, folder: Path) -> None:
        self._plugin, self._context = ThoraxMae(), PlainContext(folder)
        self._bundle = ModelBundle.open(Path(module.__file__).parent / "starter")

    def __call__(self, path: Path) -> NDArray[np.float64]:
        asked = request(self._bundle, explain=[], uncertainty=False, faithfulness=False)
        result = self._plugin.analyse(opened(path), self._bundle, asked, self._context)
        return np.array([finding.probability for finding in result.findings])


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Probabilities:
    """Return what the starter answers, as probabilities in the order of its findings."""
    return Probabilities(tmp_path_factory.mktemp("starter"))


def _dicom(path: Path, values: NDArray[np.int64], photometric: str) -> Path:
    """Write a radiograph of 12 bits with a window over all of them."""
    written = Dataset()
    written.file_meta = FileMetaDataset()
    written.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    written.file_meta.MediaStorageSOPClassUID = written.SOPClassUID = DigitalXRayImageStorageForPresentation
    written.file_meta.MediaStorageSOPInstanceUID = written.SOPInstanceUID = generate_uid()
    written.StudyInstanceUID, written.SeriesInstanceUID = generate_uid(), generate_uid()
    written.PatientID = written.PatientName = "test"
    written.Modality, written.ViewPosition, written.BodyPartExamined = "DX", "PA", "CHEST"
    written.Rows, written.Columns = values.shape
    written.SamplesPerPixel, written.PixelRepresentation = 1, 0
    written.BitsAllocated, written.BitsStored, written.HighBit = 16, 12, 11
    written.PhotometricInterpretation = photometric
    written.WindowCenter, written.WindowWidth = 2048, 4096
    written.PixelData = values.astype("<u2").tobytes()
    written.save_as(path, enforce_file_format=True)
    return path


def test_the_same_radiograph_in_any_depth_gets_the_same_answer(
    starter: Probabilities, data_folder: Path, tmp_path: Path
) -> None:
    source = sorted((data_folder / "chest" / "nih" / "images").glob("*.jpg"))[7]
    with Pillow.open(source) as picture:
        grey = np.asarray(picture.convert("L"), dtype=np.int64)
    fine = np.random.default_rng(1).integers(0, 16, grey.shape)
    Pillow.fromarray(grey.astype(np.uint8)).save(tmp_path / "8.png")
    Pillow.fromarray((grey * 257).astype(np.uint16)).save(tmp_path / "16.png")
    first = starter(tmp_path / "8.png")
    bright = _dicom(tmp_path / "2.dcm", grey * 16 + fine, "MONOCHROME2")
    dark = _dicom(tmp_path / "1.dcm", 4095 - grey * 16 - fine, "MONOCHROME1")
    for other in (tmp_path / "16.png", bright, dark):
        np.testing.assert_allclose(starter(other), first, atol=input_care.DEPTH_TOLERANCE)
    np.testing.assert_array_equal(starter(bright), starter(dark))
    negative = tmp_path / "negative.png"
    Pillow.fromarray((255 - grey).astype(np.uint8)).save(negative)
    assert np.abs(starter(negative) - first).max() > 5 * input_care.DEPTH_TOLERANCE  # it would be seen


def test_monochrome1_comes_to_the_network_bright_on_dark_and_a_header_that_lies_is_told(data_folder: Path) -> None:
    truly_dark = opened(Path(str(get_testdata_file("RG1_UNCR.dcm"))))
    assert "dicom.inverted" in [check.code for check in truly_dark.checks]
    assert "negative" not in codes(truly_dark)
    # The same pixels in both files, which are bright on dark: the header of the first says otherwise.
    lying, right = (opened(data_folder / "dicom" / "chest-cr" / f"cr_monochrome{n}.dcm") for n in (1, 2))
    np.testing.assert_array_equal(255 - lying.array, right.array)
    assert "negative" in codes(lying)
    assert "negative" not in codes(right)


def test_other_things_than_chests_are_unlike_what_the_starter_learnt(data_folder: Path, tmp_path: Path) -> None:
    plugin, bundle = ThoraxMae(), ModelBundle.open(Path(module.__file__).parent / "starter")
    asked = request(bundle, explain=[], uncertainty=False, faithfulness=False)
    nih = sorted((data_folder / "chest" / "nih" / "images").glob("*.jpg"))[5]

    def unfamiliar(path: Path) -> bool:
        result = plugin.analyse(opened(path), bundle, asked, PlainContext(tmp_path))
        return "model.unfamiliar" in [notice.code for notice in result.notices]

    leg = Path(str(get_testdata_file("RG3_UNCR.dcm")))
    dog, eye = data_folder / "dicom" / "highdicom" / "dx_image.dcm", next((data_folder / "fundus").rglob("*.jpg"))
    assert [unfamiliar(path) for path in (leg, dog, eye, nih)] == [True, True, True, False]
