"""Multi-frame files: volumes, each frame with its own place, rescale and phase."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset, FileDataset
from pydicom.data import get_testdata_file
from pydicom.pixels.processing import apply_voi_lut
from pydicom.uid import UID, EnhancedCTImageStorage, EnhancedMRImageStorage, ExplicitVRLittleEndian, RLELossless

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.study.display import windowed
from medtransfer.study.model import Level, Series, Window
from tests.study.builders import AXIAL, dataset, save, simple_itk

Array = NDArray[np.generic]

NM_STORAGE = UID("1.2.840.10008.5.1.4.1.1.20")
OPT_STORAGE = UID("1.2.840.10008.5.1.4.1.1.77.1.5.4")


def group(**elements: Any) -> list[Dataset]:
    """Return a sequence with one item."""
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return [item]


def item(**elements: Any) -> Dataset:
    return group(**elements)[0]


def enhanced(pixels: Array, own: list[Dataset], **elements: Any) -> FileDataset:
    """Return an enhanced image of frames ``(n, y, x)``, described by ``own``; axial, 0.8 x 0.5 mm."""
    common: dict[str, Any] = {"modality": "CT", "sop_class": EnhancedCTImageStorage}
    made = dataset(pixels[0], **(common | elements))
    made.NumberOfFrames = len(pixels)
    made.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    made.FrameOfReferenceUID = "1.2.3.5"
    made.SharedFunctionalGroupsSequence = group(
        PlaneOrientationSequence=group(ImageOrientationPatient=list(AXIAL)),
        PixelMeasuresSequence=group(PixelSpacing=[0.8, 0.5], SliceThickness=2),
        PixelValueTransformationSequence=group(RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU"),
    )
    made.PerFrameFunctionalGroupsSequence = own
    return made


def at(height: float, **groups: Any) -> Dataset:
    return item(PlanePositionSequence=group(ImagePositionPatient=[10, 20, height]), **groups)


def numbered(count: int) -> NDArray[np.uint16]:
    return np.arange(count * 24, dtype=np.uint16).reshape(count, 4, 6)


def series_of(path: Path) -> tuple[Series, ...]:
    (entry,) = study.open(path)
    return entry.series


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
def test_an_enhanced_ct_is_the_volume_that_its_frames_describe(tmp_path: Path, syntax: UID) -> None:
    pixels = numbered(4)
    made = enhanced(pixels, [at(height) for height in (6, 0, 4, 2)])
    if syntax.is_compressed:
        made.compress(syntax, generate_instance_uid=False)
    (series,) = series_of(save(made, tmp_path / "a.dcm"))
    image = series.image()
    assert series.shape == image.array.shape == (4, 4, 6)
    assert (image.units, image.modality, series.checks) == ("HU", "CT", ())
    np.testing.assert_array_equal(image.array, pixels[[1, 3, 2, 0]].astype(np.int16) - 1024)
    assert image.affine is not None
    np.testing.assert_allclose(image.affine @ [0, 0, 0, 1], [10, 20, 0, 1])
    assert image.spacing == pytest.approx((2, 0.8, 0.5))
    assert image.instances == (made.SOPInstanceUID,)


def test_an_enhanced_ct_lies_where_simpleitk_puts_it(tmp_path: Path) -> None:
    path = save(enhanced(numbered(5), [at(2.5 * k) for k in range(5)]), tmp_path / "a.dcm")
    image = series_of(path)[0].image()
    peer = simple_itk.ReadImage(str(path))
    np.testing.assert_array_equal(image.array, simple_itk.GetArrayFromImage(peer))
    assert image.affine is not None
    for index in np.ndindex(2, 2, 2):
        corner = np.array(index) * (np.array(image.array.shape) - 1)
        theirs = peer.TransformIndexToPhysicalPoint([int(v) for v in corner[::-1]])
        np.testing.assert_allclose((image.affine @ [*corner, 1])[:3], theirs, atol=0.01)


def test_each_frame_keeps_its_own_rescale(tmp_path: Path) -> None:
    own = [
        at(k, PixelValueTransformationSequence=group(RescaleSlope=k + 1, RescaleIntercept=0.5, RescaleType="US"))
        for k in range(3)
    ]
    image = series_of(save(enhanced(np.full((3, 4, 6), 10, np.uint16), own), tmp_path / "a.dcm"))[0].image()
    assert image.array[:, 0, 0].tolist() == [10.5, 20.5, 30.5]
    assert image.units == "stored"


def test_diffusion_and_echoes_in_one_file_become_volumes_named_by_them(tmp_path: Path) -> None:
    own, values = [], []
    for b in (1000.0, 0.0):
        for k in range(3):
            own.append(at(2 * k, MRDiffusionSequence=group(DiffusionBValue=b)))
            values.append(np.full((4, 6), b + k, np.uint16))
    made = enhanced(np.stack(values), own, modality="MR", sop_class=EnhancedMRImageStorage, SeriesDescription="DWI")
    series = series_of(save(made, tmp_path / "a.dcm"))
    assert [s.description for s in series] == ["DWI, b 0", "DWI, b 1000"]
    assert [s.image().array[:, 0, 0].tolist() for s in series] == [[-1024, -1023, -1022], [-24, -23, -22]]
    assert [c.code for c in series[0].checks] == ["series.split", "volume.one-of-several"]
    assert series[0].uid != series[1].uid


def test_dimensions_that_only_the_index_names_divide_too(tmp_path: Path) -> None:
    own = [
        at(2 * k, FrameContentSequence=group(StackID="1", DimensionIndexValues=[1, k + 1, phase]))
        for phase in (1, 2)
        for k in range(3)
    ]
    made = enhanced(numbered(6), own)
    made.DimensionIndexSequence = [
        item(DimensionIndexPointer=pointer) for pointer in (0x00209056, 0x00209057, 0x00189074)
    ]
    series = series_of(save(made, tmp_path / "a.dcm"))
    assert [s.description for s in series] == ["dimension 1", "dimension 2"]
    assert [s.shape for s in series] == [(3, 4, 6)] * 2


def test_a_nuclear_reconstruction_is_stacked_with_the_sign_of_its_distance(tmp_path: Path) -> None:
    pixels = numbered(3)
    made = dataset(
        pixels[0], modality="NM", sop_class=NM_STORAGE, ImageType=["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"],
        NumberOfFrames=3, SpacingBetweenSlices=-4.0, PixelSpacing=[4.0, 4.0], SliceVector=[1, 2, 3],
        DetectorInformationSequence=group(ImagePositionPatient=[0, 0, 100], ImageOrientationPatient=list(AXIAL)),
    )  # fmt: skip
    made.PixelData = pixels.tobytes()
    image = series_of(save(made, tmp_path / "a.dcm"))[0].image()
    np.testing.assert_array_equal(image.array, pixels[::-1])
    assert image.affine is not None
    np.testing.assert_allclose((image.affine @ [0, 0, 0, 1])[:3], [0, 0, 92])
    assert image.spacing == pytest.approx((4, 4, 4))


def test_a_tomography_of_the_eye_without_positions_is_a_volume_in_a_space_of_its_own(tmp_path: Path) -> None:
    made = enhanced(
        numbered(3), [item(PixelMeasuresSequence=group(PixelSpacing=[0.004, 0.01], SliceThickness=0.12))] * 3,
        modality="OPT", sop_class=OPT_STORAGE, ImageLaterality="R",
    )  # fmt: skip
    del made.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence
    (series,) = series_of(save(made, tmp_path / "a.dcm"))
    assert [(c.code, c.level) for c in series.checks] == [("volume.own-space", Level.WARNING)]
    image = series.image()
    assert image.laterality == "R"
    assert image.spacing == pytest.approx((0.12, 0.004, 0.01))
    np.testing.assert_array_equal(image.array, numbered(3))


@pytest.mark.parametrize("own", [[], [item()] * 3, [at(0), at(1)]])
def test_frames_of_a_ct_without_places_are_refused(tmp_path: Path, own: list[Dataset]) -> None:
    (series,) = series_of(save(enhanced(numbered(3), own), tmp_path / "a.dcm"))
    with pytest.raises(DataError) as caught:
        series.image()
    assert caught.value.code == "volume.no-position"


def test_a_file_that_ends_inside_a_frame_is_truncated(tmp_path: Path) -> None:
    made = enhanced(numbered(4), [at(k) for k in range(4)])
    made.compress(RLELossless, generate_instance_uid=False)
    path = save(made, tmp_path / "a.dcm")
    (series,) = series_of(path)
    path.write_bytes(path.read_bytes()[:-150])
    with pytest.raises(DataError):
        series.image()


def test_the_enhanced_ct_that_pydicom_brings_along_is_a_volume() -> None:
    pytest.importorskip("data_store")
    path = get_testdata_file("eCT_Supplemental.dcm", download=False)
    assert isinstance(path, str)
    image = series_of(Path(path))[0].image()
    assert image.array.shape == (2, 512, 512)
    assert image.spacing == pytest.approx((10, 0.388672, 0.388672))
    assert image.units == "stored"  # blood flow, not Hounsfield units: its rescale type says so


def lookup(bits: int, first: int, curve: NDArray[np.float64], name: str) -> Dataset:
    """Return a VOI lookup table over as many values as the curve has, from ``first`` on."""
    table = item(LUTExplanation=name)
    table.add_new("LUTDescriptor", "SS", [len(curve), first, bits])
    table.add_new("LUTData", "US", np.rint(curve * (2**bits - 1)).astype(int).tolist())
    return table


def looked_up(values: Array, table: Dataset) -> NDArray[np.float64]:
    """Return the brightness that pydicom gives the values, 0 to 1."""
    asking = item(VOILUTSequence=[table], PixelRepresentation=1)
    brightness: NDArray[np.float64] = apply_voi_lut(np.asarray(values), asking).astype(np.float64)
    return np.asarray(brightness / (2 ** int(table.LUTDescriptor[2]) - 1))


@pytest.mark.parametrize("asked", ["Own", "Shared"])
def test_lookup_tables_in_functional_groups_come_before_their_windows(tmp_path: Path, asked: str) -> None:
    """A table of the frame's own comes before the one that all share; values are those after the rescale."""
    pixels = numbered(3) * 10
    shared = lookup(12, -1024, np.sqrt(np.linspace(0, 1, 500)), "Shared")
    frame = lookup(16, -1000, np.linspace(1, 0, 300), "Own")

    def asking(table: Dataset) -> list[Dataset]:
        return group(VOILUTSequence=[table], WindowCenter=40, WindowWidth=400)

    made = enhanced(
        pixels,
        [at(height, **({"FrameVOILUTSequence": asking(frame)} if asked == "Own" else {})) for height in range(3)],
    )
    made.SharedFunctionalGroupsSequence[0].FrameVOILUTSequence = asking(shared)
    made.VOILUTSequence = [lookup(8, 0, np.linspace(0, 1, 256), "Of the whole file")]
    image = series_of(save(made, tmp_path / "a.dcm"))[0].image()
    assert [window.name for window in image.windows] == [asked, ""]
    assert image.windows[1] == Window(40, 400)
    expected = looked_up(image.array, frame if asked == "Own" else shared)
    assert np.abs(windowed(image.array, image.windows[0]) - expected * 255).max() <= 0.51


def test_a_film_is_shown_as_its_representative_frame_asks(tmp_path: Path) -> None:
    pixels = numbered(2) * 10
    tables = [
        lookup(12, 0, curve, name)
        for curve, name in ((np.linspace(0, 1, 480), "First"), (np.linspace(1, 0, 480), "Second"))
    ]
    made = enhanced(pixels, [item(FrameVOILUTSequence=group(VOILUTSequence=[table])) for table in tables])
    del made.SharedFunctionalGroupsSequence
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.12.1.1")  # enhanced XA
    made.Modality = "XA"
    made.RepresentativeFrameNumber = 2
    image = series_of(save(made, tmp_path / "a.dcm"))[0].image()
    assert [window.name for window in image.windows] == ["Second"]
    np.testing.assert_array_equal(image.array, pixels[1])
    assert np.abs(windowed(image.array, image.windows[0]) - looked_up(pixels[1], tables[1]) * 255).max() <= 0.51
