from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, FileDataset
from pydicom.pixels.processing import apply_modality_lut

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.study.model import Image
from tests.study.builders import ct_slice, save


def with_table(number: int, *, length: int = 256) -> FileDataset:
    """Return a slice whose stored values from 100 on stand for those of a table of its own."""
    pixels = np.random.default_rng(number).integers(0, 400, (4, 6), dtype=np.uint16)
    made = ct_slice(pixels, (0.0, 0.0, 2.0 * number))
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [256, 100, 16])
    table.add_new("ModalityLUTType", "LO", "OD")
    table.add_new("LUTData", "US", [int(number + index**2 % 5000) for index in range(length)])
    made.ModalityLUTSequence = [table]
    return made


def opened(folder: Path) -> Image:
    return study.open(folder)[0].series[0].image()


def test_every_slice_passes_through_its_own_table(tmp_path: Path) -> None:
    made = [with_table(number) for number in range(3)]
    for number, one in enumerate(made):
        save(one, tmp_path / f"{number}.dcm")
    image = opened(tmp_path)
    wanted = [apply_modality_lut(one.pixel_array, one) for one in made]
    np.testing.assert_array_equal(image.array, np.stack(wanted))
    assert image.units == "stored"  # the table's values are optical densities and not Hounsfield units


def test_slices_with_and_without_a_table_make_one_volume(tmp_path: Path) -> None:
    table, plain = with_table(0), ct_slice(np.full((4, 6), 1000, np.uint16), (0.0, 0.0, 2.0))
    save(table, tmp_path / "0.dcm")
    save(plain, tmp_path / "1.dcm")
    array = opened(tmp_path).array
    np.testing.assert_array_equal(array[0], apply_modality_lut(table.pixel_array, table))
    assert (array[1] == -24.0).all()


def test_a_table_without_values_is_told(tmp_path: Path) -> None:
    for number in range(2):
        broken = with_table(number)
        del broken.ModalityLUTSequence[0].LUTData
        save(broken, tmp_path / f"{number}.dcm")
    with pytest.raises(DataError) as caught:
        opened(tmp_path)
    assert caught.value.code == "study.undecodable"
