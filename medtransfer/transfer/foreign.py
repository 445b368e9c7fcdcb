"""Weights files as others publish them: tell their kind from their content, and read them without running anything.

A torch file is a pickle, and a pickle can name any function of Python to be called while it is read. torch's restricted
reader (``weights_only=True``) calls nothing but what rebuilds tensors. What it meets beside them in a training
checkpoint (numpy scalars in the log, the command line's options) is listed in ``_PLACEHOLDERS`` by name and replaced by
an inert object: not even numpy is called. Every other name is refused.
"""

from __future__ import annotations

import pickle
import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from medtransfer.contract.weights import WeightsFormat
from medtransfer.errors import DataError, EnvironmentFailure

CONTAINERS = ("state_dict", "model_state_dict", "network_weights", "model", "net", "weights")
"""Under which key training programs keep the tensors: Lightning, torch's tutorials, nnU-Net, MAE and others."""

# A pickle of torch's old format: protocol 2, then torch's magic number 0x1950a86a20f9469cfc6c (torch/serialization.py).
_LEGACY_START = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
_ZIP_START = b"PK\x03\x04"
_PICKLE_START = b"\x80"
_HEADER_LENGTH_BYTES = 8
# How torch's restricted reader names what it refuses (torch/_weights_only_unpickler.py).
_REFUSED_NAME = re.compile(r"GLOBAL ([\w.]{1,100})")
_REFUSED_CALLS = ("Trying to call reduce", "Can only create new object", "Can only build")
# What a damaged file makes of torch's reader, beside its own error; found by changing random bytes of good files.
_BREAKAGES = (
    safetensors.SafetensorError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)


class _Placeholder:
    """Stands for an object that is no tensor. It accepts whatever a pickle does to build it, and does nothing."""

    def __new__(cls, *_arguments: object) -> Self:
        return super().__new__(cls)

    def __init__(self, *_arguments: object) -> None:
        """Take and forget what the object was built from."""

    def __setstate__(self, _state: object) -> None:
        """Take and forget what the object held."""


_PLACEHOLDERS = (
    "argparse.Namespace",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.dtype",
    "numpy.ndarray",
)


def sniff(path: Path) -> WeightsFormat:
    """Tell a weights file's kind from its first bytes and, for a zip, from its list of members.

    Raises
    ------
    DataError
        ``weights.not-weights`` when it is none, ``weights.code`` when it is a program (TorchScript, or a pickle that
        torch did not write), ``weights.damaged`` when a zip's list of members cannot be read, ``weights.inflated`` when
        its members are compressed.
    """
    with path.open("rb") as stream:
        start = stream.read(64)
    if start.startswith(_ZIP_START):
        _check_archive(path)
        return "torch-zip"
    if start.startswith(_LEGACY_START):
        return "torch-legacy"
    if start.startswith(_PICKLE_START):
        raise _code(path, "it is a plain Python pickle, which is a program")
    length = int.from_bytes(start[:_HEADER_LENGTH_BYTES], "little")
    if start[_HEADER_LENGTH_BYTES : _HEADER_LENGTH_BYTES + 1] == b"{" and length > 1:
        return "safetensors"
    raise DataError(
        "this is not a weights file",
        code="weights.not-weights",
        hint="Choose a safetensors file, or a file that torch.save wrote.",
        subject=path.name,
    )


def read(path: Path, kind: WeightsFormat) -> tuple[dict[str, Tensor], list[str]]:
    """Read the tensors of a weights file, and the names of what else it holds.

    Raises
    ------
    DataError
        ``weights.code`` when the file asks for code to be run (none is), ``weights.damaged`` when it is cut short or
        changed, ``weights.no-tensors`` when no tensors are found where training programs keep them.
    EnvironmentFailure
        ``memory.full``.
    """
    try:
        content = safetensors.torch.load_file(path) if kind == "safetensors" else _read_torch(path)
    except pickle.UnpicklingError as error:
        raise _refusal(path, error) from error
    except MemoryError as error:
        raise _memory(path) from error
    except _BREAKAGES as error:
        raise _memory(path) if "allocate memory" in str(error) else _damaged(path) from error
    return _state(content, path)


def _read_torch(path: Path) -> object:
    with torch.serialization.safe_globals([(_Placeholder, name) for name in _PLACEHOLDERS]):
        return torch.load(path, map_location="cpu", weights_only=True)


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise _damaged(path) from error
    names = [member.filename for member in members]
    if not any(name.endswith("/data.pkl") for name in names):
        raise DataError(
            "this is a zip archive without weights in it",
            code="weights.not-weights",
            hint="If the weights lie inside the archive, unpack it and choose the weights file.",
            subject=path.name,
        )
    if any(name.endswith("/constants.pkl") or "/code/" in name for name in names):
        raise _code(path, "it is a TorchScript program")
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise inflated(path)


def _state(content: object, path: Path) -> tuple[dict[str, Tensor], list[str]]:
    """Find the tensors in what a training program saved, and name what else lies beside them."""
    beside: list[str] = []
    while isinstance(content, Mapping) and not any(isinstance(value, Tensor) for value in content.values()):
        inner = next((key for key in CONTAINERS if isinstance(content.get(key), Mapping)), None)
        if inner is None:
            break
        beside += [str(key) for key in content if key != inner]
        content = content[inner]
    entries = content if isinstance(content, Mapping) else {}
    tensors = {str(name): value for name, value in entries.items() if _is_plain(value)}
    if not tensors:
        raise DataError(
            "the file holds no tensors where training programs keep them",
            code="weights.no-tensors",
            hint=f"Save the network's state_dict, alone or under one of the keys {', '.join(CONTAINERS)}.",
            subject=path.name,
        )
    beside += [str(name) for name, value in entries.items() if not _is_plain(value)]
    return tensors, beside


def _is_plain(value: object) -> bool:
    """Whether it is an ordinary tensor with its numbers in memory: not sparse, not quantised, not a mere shape."""
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and not value.is_quantized
        and value.device.type == "cpu"
    )


def _refusal(path: Path, error: pickle.UnpicklingError) -> DataError:
    text = str(error)
    name = _REFUSED_NAME.search(text)
    if name is not None:
        return _code(path, f"it asks for {name[1]} to be called while it is read")
    if any(call in text for call in _REFUSED_CALLS):
        return _code(path, "it asks for program code to be run while it is read")
    return _damaged(path)


def _memory(path: Path) -> EnvironmentFailure:
    return EnvironmentFailure(
        "there is not enough memory to read the weights file",
        code="memory.full",
        hint="Close other programs, or convert the file on a larger machine.",
        subject=path.name,
    )


def _code(path: Path, what: str) -> DataError:
    return DataError(
        f"the weights file was refused: {what}; nothing of it was run",
        code="weights.code",
        hint="Ask for the weights as safetensors, or for the network's state_dict alone: code can do harm.",
        subject=path.name,
    )


def _damaged(path: Path) -> DataError:
    return DataError(
        "the weights file is damaged or was cut short",
        code="weights.damaged",
        hint="Copy or download it again, and compare its size and SHA-256 with those that the source publishes.",
        subject=path.name,
    )


def inflated(path: Path) -> DataError:
    """Return the error for a file whose content is far larger than itself."""
    return DataError(
        "the weights file would grow far beyond its own size when it is read",
        code="weights.inflated",
        hint="No training program writes such a file: get it again from the source that the catalogue names.",
        subject=path.name,
    )
