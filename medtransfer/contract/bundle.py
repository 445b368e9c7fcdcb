"""A model on disk: ``model.json``, safetensors and the report in one immutable, content-addressed folder.

``model.json`` lists the SHA-256 of every other file, and the bundle's address is the SHA-256 of ``model.json`` itself:
one number vouches for every byte. Nothing in a bundle is ever executed or unpickled.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationError

from medtransfer.contract.evaluation import Evaluation
from medtransfer.contract.labels import LabelSpec
from medtransfer.contract.plan import VolumePlan
from medtransfer.contract.pretraining import PretrainRecipe
from medtransfer.contract.recipe import Recipe
from medtransfer.errors import DataError, UserError
from medtransfer.result.model import Record

CARD = "model.json"
PICTURES = "pictures-"
"""Begins the names of the files that hold small pictures of training cases."""
HOLDS_PICTURES = (
    "It holds small pictures of training cases. They are pictures of people: pass the model on only to those who may "
    "see them."
)
NETWORK = "network.safetensors"
"""The file of a bundle for volumes that holds the network's tensors."""
REFERENCE = "reference.safetensors"
"""The file of a bundle for pictures that tells which ones are like those of the training."""
BUNDLE_FORMAT = 1


class Calibration(Record):
    """Maps a logit z to a probability.

    ``none``: sigmoid(z). ``temperature``: sigmoid(z / a). ``platt``: sigmoid(a z + b). ``isotonic``: piecewise linear
    through the points (``x``, ``y``) over sigmoid(z), constant beyond the ends. ``note`` says why the method is
    ``none`` although another one was asked for.
    """

    method: Literal["none", "temperature", "platt", "isotonic"] = "none"
    a: float = 1.0
    b: float = 0.0
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()
    note: str = ""


class BundleLabel(LabelSpec):
    """A label as this model answers it, and how many cases it learnt it from.

    ``value`` and ``colour`` belong to the structures of a segmentation: the number of the network's output, which is
    that of the label map, and ``#rrggbb``. For answers of yes or no ``colour`` is empty, and ``value`` is the row of
    the last layer in a ``file`` that answers several labels. ``threshold`` and ``calibration`` are for yes or no alone.
    """

    value: int = Field(default=0, ge=0)
    colour: str = Field(default="", pattern=r"^(#[0-9a-f]{6})?$")
    positives: int = 0
    negatives: int = 0
    threshold: float = Field(default=0.5, ge=0.0, le=1.0)
    calibration: Calibration = Calibration()
    file: str = ""


class Preprocessing(Record):
    """What is done to a picture before the network sees it, so that training and analysis cannot differ.

    ``crop`` is a name that the plug-in understands. ``mean`` and ``std`` refer to values in [0, 1], red, green, blue.
    ``framing`` says how the part of the picture that ``crop`` leaves becomes a square: ``padded`` with black, or the
    ``centre`` of it, as networks are usually published: resized until the shorter side has ``size / KEPT`` pixels.
    """

    KEPT: ClassVar[float] = 224 / 256

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    crop: str = "none"
    interpolation: Literal["bilinear", "bicubic"] = "bicubic"
    framing: Literal["padded", "centre"] = "padded"


class WeightsOrigin(Record):
    """Where the pretrained weights came from."""

    name: str
    sha256: str
    licence: str
    source: str
    trained_on: str = ""


class DataStatement(Record):
    """What the model was trained on, in numbers that identify nobody."""

    fingerprint: str
    split_sha256: str
    cases: int
    patients: int
    train: int
    validation: int
    test: int
    synthetic: bool = False
    description: str = ""
    licence: str = ""


class BundleCard(Record):
    """The content of ``model.json``. ``preprocessing`` is a plan when the model takes volumes.

    A card of the task ``pretraining`` has no labels: the bundle holds an encoder to start a training from.
    ``modalities`` are the DICOM modalities of the volumes that it was trained on, "OT" among them where a file did not
    say it; empty for the plug-in's own.
    """

    format: int = BUNDLE_FORMAT
    name: str
    plugin: str
    plugin_version: str
    created: str
    task: Literal["multilabel", "segmentation", "pretraining"] = "multilabel"
    labels: list[BundleLabel]
    backbone: str
    preprocessing: Preprocessing | VolumePlan
    modalities: list[str] = []
    recipe: Recipe | PretrainRecipe
    weights: list[WeightsOrigin]
    data: DataStatement
    evaluation: Evaluation | None = None
    versions: dict[str, str]
    seed: int
    parent: str = ""
    notes: list[str] = []
    extra: dict[str, Any] = {}
    files: dict[str, str] = {}

    @property
    def remarks(self) -> list[str]:
        """What whoever uses the model or passes it on must know: its notes, and that it holds pictures of people."""
        held = any(name.startswith(PICTURES) for name in self.files)
        return [*self.notes, HOLDS_PICTURES] if held else self.notes

    @property
    def volumes(self) -> int:
        """Of how many images on one grid a case consists."""
        return len(self.preprocessing.scales) if isinstance(self.preprocessing, VolumePlan) else 1

    @property
    def for_pictures(self) -> Preprocessing:
        """How pictures are prepared.

        Raises
        ------
        UserError
            ``model.preprocessing`` when the model takes volumes.
        """
        if isinstance(self.preprocessing, VolumePlan):
            raise _made_for("volumes", "pictures")
        return self.preprocessing

    @property
    def for_volumes(self) -> VolumePlan:
        """How volumes are prepared.

        Raises
        ------
        UserError
            ``model.preprocessing`` when the model takes pictures.
        """
        if isinstance(self.preprocessing, Preprocessing):
            raise _made_for("pictures", "volumes")
        return self.preprocessing

    @property
    def for_answers(self) -> Recipe:
        """How the model learned to answer.

        Raises
        ------
        UserError
            ``model.pretrained`` when it was only pretrained.
        """
        if isinstance(self.recipe, PretrainRecipe):
            raise only_pretrained()
        return self.recipe


def label_of(file: str) -> str:
    """Return the label that a file of a bundle belongs to, if it is called ``KIND-LABEL.safetensors``, else nothing."""
    return file.partition(".")[0].partition("-")[2]


def only_pretrained() -> UserError:
    """Return the error for what knows no findings yet and was to be used as a model."""
    return UserError(
        "this was pretrained on images without answers and knows no findings yet",
        code="model.pretrained",
        hint="Start a training from it: `medtransfer learn --from` with the folder of the pretraining.",
    )


def _made_for(own: str, other: str) -> UserError:
    return UserError(
        f"the model takes {own}, and it was to be used for {other}",
        code="model.preprocessing",
        hint="Use a model of this plug-in.",
    )


@dataclass(frozen=True)
class ModelBundle:
    """A bundle that was opened: its folder, its card and its address."""

    folder: Path
    card: BundleCard
    sha256: str

    @classmethod
    def open(cls, folder: Path) -> ModelBundle:
        """Read the card; file contents are checked by :meth:`verify`.

        Raises
        ------
        DataError
            When the folder is no bundle, the card is invalid or of a newer format.
        """
        path = folder / CARD
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise DataError(
                "this folder is not a model bundle: it has no readable model.json",
                code="bundle.missing",
                hint="Choose the folder that `medtransfer learn` wrote, or import the model again.",
                subject=folder.name,
            ) from error
        try:
            card = BundleCard.model_validate_json(raw)
        except ValidationError as error:
            first = error.errors()[0]
            raise DataError(
                f"the model's card is not valid at {'.'.join(map(str, first['loc']))!r}: {first['msg']}",
                code="bundle.invalid",
                hint="The model may come from a newer medtransfer, or the file was damaged: export it again.",
                subject=folder.name,
            ) from error
        if card.format > BUNDLE_FORMAT:
            raise DataError(
                f"the model has format {card.format}, this medtransfer reads up to {BUNDLE_FORMAT}",
                code="bundle.newer",
                hint="Update medtransfer.",
                subject=folder.name,
            )
        return cls(folder, card, hashlib.sha256(raw).hexdigest())

    def verify(self) -> None:
        """Check every file against the card.

        Raises
        ------
        DataError
            When a file is missing, was changed or points outside the bundle.
        """
        for name, expected in self.card.files.items():
            path = self.folder / name
            inside = path.resolve().is_relative_to(self.folder.resolve())
            if not inside or not path.is_file() or file_sha256(path) != expected:
                raise DataError(
                    "a file of the model is missing or was changed",
                    code="bundle.damaged",
                    hint="Import the model again from where it came from.",
                    subject=name,
                )


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
