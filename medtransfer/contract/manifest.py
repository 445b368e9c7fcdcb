"""The manifest of a plug-in: pure data, read and validated without importing the plug-in."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from medtransfer.contract.labels import LabelSpec
from medtransfer.errors import PluginError
from medtransfer.result.model import Record

MANIFEST_FILE = "medtransfer-plugin.toml"
MANIFEST_FORMAT = 1
CONTRACT = 1
"""The number of the plug-in contract that this medtransfer speaks."""

Verb = Literal["analyse", "learn", "pretrain"]


class ApiRange(Record):
    """The contract numbers that a plug-in works with, both ends included."""

    minimum: int = Field(ge=1)
    maximum: int = Field(ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> ApiRange:
        if self.minimum > self.maximum:
            raise ValueError("api.minimum is larger than api.maximum")
        return self


class Task(Record):
    """What the plug-in answers.

    ``open_labels`` says that a cohort may bring labels that the manifest does not list. ``networks`` are those of the
    weights catalogue that the plug-in runs: imported weights of them become models of it.
    """

    kind: Literal["multilabel", "binary", "multiclass", "segmentation"]
    open_labels: bool = False
    labels: list[LabelSpec] = Field(min_length=1)
    networks: list[str] = []

    @model_validator(mode="after")
    def _unique(self) -> Task:
        ids = [label.id for label in self.labels]
        twice = sorted({label for label in ids if ids.count(label) > 1})
        if twice:
            raise ValueError(f"label ids occur twice: {', '.join(twice)}")
        return self


class Input(Record):
    """What the plug-in accepts. ``minimum_size`` is in pixels along each spatial axis.

    ``companions`` says that a case may consist of several volumes on one grid: :attr:`Image.companions`.
    """

    modalities: list[str] = Field(min_length=1)
    dimensions: Literal[2, 3]
    channels: Literal[1, 3]
    meaning: Literal["rgb", "monochrome"]
    value_range: tuple[float, float] | None = None
    units: Literal["HU", "stored", "display"] | None = None
    minimum_size: int = Field(default=1, ge=1)
    companions: bool = False


class Can(Record):
    """The verbs and abilities of the plug-in."""

    analyse: bool = True
    learn: bool = False
    pretrain: bool = False
    explain: bool = False
    uncertainty: bool = False
    cpu: bool = True


class Memory(Record):
    """Estimates in MiB, for the check before a job starts."""

    analyse_mib: int = Field(ge=1)
    learn_mib: int | None = Field(default=None, ge=1)


class Weights(Record):
    """Weights that the plug-in starts from: a name in the catalogue, or a file inside the plug-in."""

    name: str
    file: str = ""
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    licence: str
    source: str
    trained_on: str


class Metric(Record):
    """A published figure of the plug-in, in words."""

    name: str
    value: str
    on: str


class Card(Record):
    """What a person must know before using the plug-in; ``maps`` is how far its heat maps may be believed."""

    summary: str
    intended_use: str
    not_for: str
    population: str
    metrics: list[Metric] = []
    citation: str = ""
    maps: str = ""
    licence: str


class Golden(Record):
    """An input inside the plug-in and what it must answer, run after installation."""

    input: str
    expected: str
    tolerance: float = Field(gt=0.0, le=0.5)


class Permissions(Record):
    """What the plug-in asks for beyond its job folder; shown before installation."""

    network: bool = False
    read_folders: list[str] = []


class Manifest(Record):
    """The whole manifest. Unknown keys are refused.

    ``starter`` and ``encoder`` are folders beside the manifest: a model that comes with the plug-in, and an encoder
    that learnt images without answers, from which trainings start unless they ask for something else. ``recipes``
    change settings of the presets of these names; under other names they are recipes of the plug-in's own.
    """

    manifest: int
    id: str = Field(pattern=r"^[a-z0-9]+(\.[a-z0-9][a-z0-9-]*)+$", max_length=128)
    name: str = Field(min_length=1, max_length=80)
    version: str = Field(pattern=r"^\d+(\.\d+)*([a-z0-9.+-]*)$", max_length=40)
    api: ApiRange
    entry: str = Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
    task: Task
    input: Input
    can: Can
    memory: Memory
    weights: list[Weights] = []
    starter: str = ""
    encoder: str = ""
    card: Card
    golden: Golden | None = None
    permissions: Permissions = Permissions()
    recipes: dict[str, dict[str, Any]] = {}

    @property
    def unusable_reason(self) -> str:
        """Why this medtransfer cannot run the plug-in; empty when it can."""
        spoken = f"this medtransfer speaks {CONTRACT}"
        if CONTRACT < self.api.minimum:
            return f"it needs plug-in contract {self.api.minimum}, {spoken}: update medtransfer"
        if CONTRACT > self.api.maximum:
            return f"it knows plug-in contracts up to {self.api.maximum}, {spoken}: update the plug-in"
        return ""

    def label(self, label_id: str) -> LabelSpec | None:
        """Return the declared label of that id, or None."""
        return next((label for label in self.task.labels if label.id == label_id), None)


def read_manifest(path: Path) -> Manifest:
    """Read ``medtransfer-plugin.toml`` without importing anything of the plug-in.

    Parameters
    ----------
    path
        The manifest, or the folder that holds it.

    Raises
    ------
    PluginError
        When the file is missing, is not TOML, has an unknown key or value, or is of a newer manifest format.
    """
    file = path / MANIFEST_FILE if path.is_dir() else path
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise PluginError(
            f"there is no readable {MANIFEST_FILE}",
            code="manifest.missing",
            hint="A plug-in needs this file inside its package: CONTRIBUTING.md says what goes into it.",
            subject=str(path),
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PluginError(
            f"the manifest is not valid TOML ({error})",
            code="manifest.syntax",
            hint="Mend the line named.",
            subject=str(file),
        ) from error
    declared = raw.get("manifest")
    if isinstance(declared, int) and declared > MANIFEST_FORMAT:
        raise PluginError(
            f"the manifest has format {declared}, this medtransfer reads format {MANIFEST_FORMAT}",
            code="manifest.newer",
            hint="Update medtransfer.",
            subject=str(file),
        )
    try:
        return Manifest.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        what = "is not known" if first["type"] == "extra_forbidden" else f"is not acceptable: {first['msg']}"
        raise PluginError(
            f"the manifest's key {key!r} {what}",
            code="manifest.invalid",
            hint="Mend the key, or remove it: CONTRIBUTING.md says what a manifest holds.",
            subject=str(file),
        ) from error
