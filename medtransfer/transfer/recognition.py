"""Which weights of the catalogue a file holds, by what is in it.

Authors give files of different content the same name, and people rename files. What counts is: the checksum, where the
source vouches for one; else the names and shapes of the tensors. Files that look alike, since only what they were
trained on differs, are told apart by the name that they were published under, or else not at all: then the person must
say.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from medtransfer.contract.weights import PictureEntry, VolumeEntry, WeightFit, catalogue
from medtransfer.errors import DataError
from medtransfer.transfer import backbones, fit_report, keymaps, stunet_file

_MOST_NAMED = 8


def recognised(tensors: Mapping[str, Tensor], name: str, sha256: str) -> PictureEntry | VolumeEntry:
    """Return the entry of the catalogue that a file is.

    Parameters
    ----------
    tensors
        The file's, under its own names but for what data-parallel training puts before them.
    name, sha256
        The file's.

    Raises
    ------
    DataError
        ``weights.unrecognised`` when no entry fits, ``weights.ambiguous`` when several do.
    """
    entries = catalogue()
    vouched = [entry for entry in entries if entry.sha256 and (sha256.startswith(entry.sha256) or entry.file == name)]
    if vouched:
        return vouched[0]
    alike = _most_specific([entry for entry in entries if _fits(tensors, entry)])
    by_name = [entry for entry in alike if entry.file == name]
    if len(alike) == 1 or len(by_name) == 1:
        return (by_name or alike)[0]
    if not alike:
        raise _unrecognised(tensors, entries, name)
    raise DataError(
        f"the file may hold {' or '.join(entry.name for entry in alike)}: by their form they cannot be told apart",
        code="weights.ambiguous",
        hint="Say which it is with --name: its licence and what it was trained on go into every model made of it.",
        subject=name,
    )


def picture_fit(tensors: Mapping[str, Tensor], entry: PictureEntry) -> WeightFit:
    """Return how tensors under the network's names fit the network of an entry.

    Where the file is to answer as it is, its last layer counts; else that is new, like all that belongs to a task.
    """
    network = _network(entry.architecture, len(entry.findings) or 1)
    new = () if entry.findings else backbones.new_layers(network, tensors)
    return fit_report.fit(network, tensors, allow_new=new)


def outputs(tensors: Mapping[str, Tensor], entry: PictureEntry) -> int:
    """Return how many outputs the file's last layer has, under the network's names; 0 when it has none."""
    heads = [tensors.get(f"{layer}.weight") for layer in backbones.head_names(_network(entry.architecture, 1))]
    return max((len(head) for head in heads if head is not None and head.ndim), default=0)


@functools.cache
def _network(architecture: str, count: int) -> nn.Module:
    """Return a network without numbers: only the shapes of its tensors are looked at."""
    with torch.device("meta"):
        return backbones.create(architecture, outputs=count)


def _fits(tensors: Mapping[str, Tensor], entry: PictureEntry | VolumeEntry) -> bool:
    if isinstance(entry, VolumeEntry):
        return stunet_file.recognised(tensors) == stunet_file.expected(entry)
    own = _named(tensors, entry)
    beside = all(name in tensors for name in entry.beside)
    fits = beside and picture_fit(own, entry).tensor_share >= entry.expected_share
    return fits and outputs(own, entry) == entry.outputs


def _named(tensors: Mapping[str, Tensor], entry: PictureEntry) -> dict[str, Tensor]:
    """Return the tensors under the names of the entry's network; none where two would have the same name."""
    try:
        return keymaps.renamed(tensors, entry.key_map)
    except DataError:
        return {}


def _most_specific(entries: Sequence[PictureEntry | VolumeEntry]) -> list[PictureEntry | VolumeEntry]:
    """Return those entries that explain most of what lies beside the network's own tensors."""
    explained = {entry.name: len(entry.beside) if isinstance(entry, PictureEntry) else 0 for entry in entries}
    return [entry for entry in entries if explained[entry.name] == max(explained.values())]


def _unrecognised(tensors: Mapping[str, Tensor], entries: Sequence[PictureEntry | VolumeEntry], name: str) -> DataError:
    pictures = [entry for entry in entries if isinstance(entry, PictureEntry)]
    renamed = {entry.name: _named(tensors, entry) for entry in pictures}
    fits = {entry.name: picture_fit(renamed[entry.name], entry) for entry in pictures}
    nearest = max(pictures, key=lambda entry: (fits[entry.name].tensor_share, len(fits[entry.name].mismatched)))
    return DataError(
        f"the file holds no weights that the catalogue knows; {_how_near(nearest, fits[nearest.name], renamed)}",
        code="weights.unrecognised",
        hint="Check that the file is whole and is one of the catalogue's, or say with --name which one it is to be: "
        f"{', '.join(entry.name for entry in entries[:_MOST_NAMED])} ...",
        subject=name,
    )


def _how_near(nearest: PictureEntry, fit: WeightFit, renamed: Mapping[str, Mapping[str, Tensor]]) -> str:
    if fit.tensor_share >= nearest.expected_share:
        found = outputs(renamed[nearest.name], nearest)
        return f"it is a {nearest.architecture} with {found} outputs"
    if not fit.tensor_share and not fit.mismatched:
        return "no tensor of it fits any network there"
    differing = [f"{pair.name} is {pair.file_shape} instead of {pair.network_shape}" for pair in fit.mismatched[:2]]
    absent = [f"{name} is not in the file" for name in fit.missing[:2]]
    return f"nearest is {nearest.architecture}, of which {fit.tensor_share:.0%} fit ({'; '.join(differing or absent)})"
