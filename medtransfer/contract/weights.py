"""Pretrained weights: the catalogue of what is known, how a conversion went, and how well weights fit a network."""

from __future__ import annotations

import difflib
import importlib.metadata
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from medtransfer.contract.messages import Failed
from medtransfer.contract.plan import VolumePlan
from medtransfer.errors import UserError
from medtransfer.resources import resource
from medtransfer.result.model import Record

CATALOGUE = "weights.toml"
RANDOM = "none"
"""The name that asks for no pretrained weights: the network starts from random ones."""

WeightsFormat = Literal["safetensors", "torch-zip", "torch-legacy"]
"""What a file's content shows: safetensors, or what ``torch.save`` writes since version 1.6 and wrote before."""

KeyMap = Literal["none", "efficientnet-lite0", "torchvision-densenet", "smp-densenet"]


VolumeArchitecture = Literal["stunet-s", "stunet-b", "stunet-l", "stunet-h"]


class CatalogueEntry(Record):
    """One file of pretrained weights that medtransfer knows how to use: what all kinds of them have in common.

    Attributes
    ----------
    file
        The file's name as its source publishes it.
    architecture
        Name of the network that the weights belong to.
    source
        Where a person gets the file.
    sha256
        The file's SHA-256, or as many of its first digits as the source vouches for (torchvision puts eight into the
        file's name); empty when it vouches for none.
    key_map
        How the file's tensor names become the network's, see ``medtransfer.transfer.keymaps``.
    expected_share
        Share of the network's tensors, its last layer not counted, that the file must fill, in (0, 1].
    package, package_file
        The Python distribution that carries the file, and the path inside it; both empty when a person brings the file.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=100)
    file: str
    architecture: str
    format: Literal["safetensors", "torch"]
    source: str
    licence: str
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{8,64})?$")
    key_map: KeyMap = "none"
    expected_share: float = Field(default=1.0, gt=0.0, le=1.0)
    trained_on: str
    package: str = ""
    package_file: str = ""

    def packaged_file(self) -> Path | None:
        """Return the file inside the installed package that carries it; None when a person must bring the file."""
        if not self.package:
            return None
        try:
            path = Path(str(importlib.metadata.distribution(self.package).locate_file(self.package_file)))
        except importlib.metadata.PackageNotFoundError:
            return None
        return path if path.is_file() else None


class PictureEntry(CatalogueEntry):
    """Weights of a network for pictures; ``architecture`` is timm's name.

    Attributes
    ----------
    mean, std
        Normalisation of the training pictures: red, green, blue, for values in [0, 1].
    size
        Side of the training pictures in pixels.
    outputs
        Length of the file's last layer; 0 where it has none.
    beside
        Tensors that the file holds beside the network's own, by which it is told from files without them.
    findings
        Ids of the findings that the outputs stand for, in their order. With them the file answers as it is; empty where
        it is only good to start a training from.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    size: int = Field(ge=32)
    outputs: int = Field(default=1000, ge=0)
    beside: list[str] = []
    findings: list[str] = []


class VolumeEntry(CatalogueEntry):
    """Weights of a network that segments volumes.

    Attributes
    ----------
    channels, outputs
        Channels of the input; classes, the background among them.
    classes
        Name of the list that says which structure each output is; the plug-in keeps it.
    structures
        Ids of the structures in the order of the outputs, the background not counted; empty where they are all labels
        of the plug-in's manifest in their order.
    mirrored
        Axes ``(z, y, x)`` along which the authors mirrored in training; a checkpoint's own plan does not say it.
    plan
        How volumes are prepared; None where only the side file that comes with the checkpoint says.
    """

    architecture: VolumeArchitecture
    channels: int = Field(ge=1)
    outputs: int = Field(ge=2)
    classes: str
    structures: list[str] = []
    mirrored: tuple[Literal[0, 1, 2], ...] = ()
    plan: VolumePlan | None = None


class _Catalogue(Record):
    weights: list[PictureEntry | VolumeEntry]


def catalogue() -> list[PictureEntry | VolumeEntry]:
    """Return every entry of the weights catalogue, in the order of the file."""
    text = resource(CATALOGUE).read_text(encoding="utf-8")
    return _Catalogue.model_validate(tomllib.loads(text)).weights


def catalogue_entry(name: str) -> PictureEntry | VolumeEntry:
    """Return the catalogue's entry of that name.

    Raises
    ------
    UserError
        ``weights.unknown``: there is none; the hint names the nearest ones.
    """
    entries = {entry.name: entry for entry in catalogue()}
    if name not in entries:
        near = difflib.get_close_matches(name, entries, n=3, cutoff=0.4) or list(entries)
        raise UserError(
            "the weights catalogue has no entry of that name",
            code="weights.unknown",
            hint=f"Use one of: {', '.join(near)}.",
            subject=name,
        )
    return entries[name]


class ShapePair(Record):
    """A tensor that file and network have under the same name but not in the same shape."""

    name: str
    file_shape: tuple[int, ...]
    network_shape: tuple[int, ...]


class WeightFit(Record):
    """How well the tensors of a file fit a network: the report that a person reads before training starts.

    Attributes
    ----------
    loaded
        Names that fit as they are.
    reshaped
        Names that fit after they were adapted to other input channels, or to another size of pictures.
    mismatched
        Names that both have, in shapes that cannot be reconciled.
    missing
        Names that the network has and the file lacks.
    skipped
        Names that the file has and the network has no use for.
    new
        The network's own tensors that were not to be filled, since they belong to the new task; in no share.
    tensor_share, parameter_share
        Filled share of the network without ``new``, counted in tensors and in single numbers, in [0, 1].
    """

    loaded: list[str]
    reshaped: list[ShapePair] = []
    mismatched: list[ShapePair] = []
    missing: list[str] = []
    skipped: list[str] = []
    new: list[str] = []
    tensor_share: float = Field(ge=0.0, le=1.0)
    parameter_share: float = Field(ge=0.0, le=1.0)

    def lines(self, most: int = 5) -> list[str]:
        """Return the report as lines of text, at most ``most`` names for each kind of tensor."""
        head = (
            f"{self.tensor_share:.1%} of the network's tensors and {self.parameter_share:.1%} of its parameters "
            "are filled from the file."
        )
        kinds = (
            ("loaded", self.loaded),
            ("adapted to the pictures' channels or size", _described(self.reshaped)),
            ("in another shape", _described(self.mismatched)),
            ("not in the file", self.missing),
            ("of the file not used", self.skipped),
            ("new for this task", self.new),
        )
        return [head, *(_line(title, names, most) for title, names in kinds if names)]


def _described(pairs: list[ShapePair]) -> list[str]:
    return [f"{pair.name} (file {pair.file_shape}, network {pair.network_shape})" for pair in pairs]


def _line(title: str, names: list[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{len(names)} {title}: {', '.join(names[:most])}{more}"


class ConversionReport(Record):
    """How the conversion of a weights file to safetensors went.

    ``tensors`` and ``parameters`` count what was written; ``skipped`` names what the file holds beside tensors.
    """

    type: Literal["converted"] = "converted"
    name: str
    source_format: WeightsFormat
    source_sha256: str
    sha256: str
    tensors: int
    parameters: int
    skipped: list[str]
    fit: WeightFit


CONVERSION: TypeAdapter[ConversionReport | Failed] = TypeAdapter(
    Annotated[ConversionReport | Failed, Field(discriminator="type")]
)
"""What ``python -m medtransfer.transfer.convert`` writes as its one line of JSON."""
