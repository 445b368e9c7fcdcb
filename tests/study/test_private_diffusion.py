from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import FileDataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from medtransfer import study
from medtransfer.study import private_diffusion
from medtransfer.study.private_diffusion import b_value
from tests.study.builders import ct_slice, save

State = Callable[[FileDataset, int], None]


def siemens(made: FileDataset, b: int) -> None:
    made.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, "IS", b)


def siemens_unknown(made: FileDataset, b: int) -> None:
    made.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, "UN", str(b).encode())


def siemens_second_block(made: FileDataset, b: int) -> None:
    made.private_block(0x0019, "SOMEBODY ELSE", create=True).add_new(0x0C, "IS", 7)
    siemens(made, b)


def ge(made: FileDataset, b: int) -> None:
    made.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x39, "IS", [10**9 + b, 8, 0, 0])


def philips(made: FileDataset, b: int) -> None:
    made.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(0x03, "FL", float(b))


def united_imaging(made: FileDataset, b: int) -> None:
    made.private_block(0x0065, "Image Private Header", create=True).add_new(0x09, "FD", float(b))


def named(folder: Path) -> list[str]:
    return [series.description for found in study.open(folder) for series in found.series]


def write(folder: Path, state: State, change: Callable[[FileDataset], None] = lambda _: None) -> Path:
    folder.mkdir()
    for number, (b, height) in enumerate((b, height) for b in (0, 50, 1000) for height in (0.0, 2.0, 4.0)):
        made = ct_slice(np.full((4, 6), b, np.uint16), (0.0, 0.0, height), InstanceNumber=number + 1, Modality="MR")
        state(made, b)
        change(made)
        save(made, folder / f"{number}.dcm")
    return folder


MAKERS = (siemens, siemens_unknown, siemens_second_block, ge, philips, united_imaging)


@pytest.mark.parametrize("maker", MAKERS)
def test_volumes_are_told_apart_by_the_makers_b_values(maker: State, tmp_path: Path) -> None:
    names = named(write(tmp_path / "explicit", maker))
    assert [name.rsplit(", ")[-1].rsplit(" (")[-1].strip("()") for name in names] == ["b 0", "b 50", "b 1000"]

    def implicit(made: FileDataset) -> None:
        made.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian

    assert named(write(tmp_path / "implicit", maker, implicit)) == names


@given(st.dictionaries(st.sampled_from(private_diffusion.TAGS), st.binary(max_size=40)))
def test_anything_else_is_no_b_value(elements: dict[int, bytes]) -> None:
    found = b_value(elements.get)
    assert found == "" or float(found) >= 0


@pytest.mark.parametrize("stated", [float("nan"), float("inf"), -5.0])
def test_values_that_are_none_do_not_count(stated: float) -> None:
    elements = {0x00650010: b"Image Private Header", 0x00651009: struct.pack("<d", stated)}
    assert b_value(elements.get) == ""


def test_an_element_of_another_maker_is_no_b_value() -> None:
    assert b_value({0x00190010: b"GEMS_ACQU_01", 0x0019100C: b"12"}.get) == ""
    assert b_value({0x00190010: b"SIEMENS MR HEADER ", 0x0019100C: b"12"}.get) == "12"


def test_big_endian_floats_are_not_misread(tmp_path: Path) -> None:
    def big(made: FileDataset) -> None:
        made.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
        made.set_original_encoding(is_implicit_vr=False, is_little_endian=False)

    assert not any("b " in name for name in named(write(tmp_path / "big", philips, big)))
