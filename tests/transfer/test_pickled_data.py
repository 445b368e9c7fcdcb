"""Reading the data of a pickle: what Python would have made of it, and never a call."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medtransfer.transfer import pickled_data

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(value=VALUES, protocol=st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_data_come_back_as_python_reads_them(value: object, protocol: int) -> None:
    assert pickled_data.read(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", range(3, pickle.HIGHEST_PROTOCOL))
@pytest.mark.parametrize("kind", ["<f8", ">f8", "<f4", "<i8", ">i4", "<i2", "<u1", "|b1"])
def test_arrays_and_scalars_of_numpy_become_plain_values(kind: str, protocol: int) -> None:
    array = np.arange(6).reshape(2, 3).astype(kind)
    content = OrderedDict([("array", array), ("first", array[0, 1]), ("again", array)])
    expected = {"array": array.ravel().tolist(), "first": array[0, 1].item(), "again": array.ravel().tolist()}
    assert pickled_data.read(pickle.dumps(content, protocol)) == expected


class Intruder:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_code_is_named_and_not_run(tmp_path: Path, protocol: int) -> None:
    with pytest.raises(pickled_data.NotDataError, match=rf"{os.mkdir.__module__}\.mkdir"):
        pickled_data.read(pickle.dumps({"plans": Intruder(tmp_path / "mark")}, protocol))
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    "value",
    [np.array([object()]), np.array(["text"]), np.zeros(2, dtype=[("a", "<f8")]), Path("somewhere"), {1, 2}, 1j],
    ids=["objects", "text", "records", "path", "set", "complex"],
)
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises((pickled_data.NotDataError, pickled_data.DamagedError)):
        pickled_data.read(pickle.dumps(value, 4))


GOOD = pickle.dumps({"plans": OrderedDict(a=np.arange(3.0), b=[np.int64(2), (1, "x")])}, 4)


@given(data=st.data())
@settings(max_examples=200)
def test_changed_bytes_are_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(pickled_data.NotDataError, pickled_data.DamagedError):
        pickled_data.read(bytes(content))


@given(length=st.integers(0, len(GOOD) - 1))
def test_no_shortened_pickle_is_read(length: int) -> None:
    with pytest.raises(pickled_data.DamagedError):
        pickled_data.read(GOOD[:length])
