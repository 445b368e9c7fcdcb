"""Reading safetensors: everything as it was stored, or a clear refusal."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from medtransfer.errors import DataError
from medtransfer.transfer import weights

TENSORS = {"a.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3), "a.count": torch.tensor(7)}


def test_tensors_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    safetensors.torch.save_file(TENSORS, path)
    read = weights.load(path)
    assert read.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert torch.equal(read[name], tensor)
        assert read[name].dtype == tensor.dtype


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        weights.load(tmp_path / "w.safetensors")
    assert caught.value.code == "weights.missing"
    assert caught.value.subject == "w.safetensors"


def test_a_torch_file_is_not_read(tmp_path: Path) -> None:
    torch.save(TENSORS, tmp_path / "w.safetensors")
    with pytest.raises(DataError) as caught:
        weights.load(tmp_path / "w.safetensors")
    assert caught.value.code == "weights.damaged"


@given(length=st.integers(0, len(safetensors.torch.save(TENSORS)) - 1))
def test_no_shortened_file_is_read(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "w.safetensors"
    path.write_bytes(safetensors.torch.save(TENSORS)[:length])
    with pytest.raises(DataError):
        weights.load(path)
