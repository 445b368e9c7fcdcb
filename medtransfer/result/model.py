"""What was found: findings, heat maps, segmentations, notices, and the passport that says how they came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:  # manifests stand on this module too, and `plugin list` must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

    from medtransfer.study.model import Check

RESEARCH_USE_ONLY = "Research use only. Not for clinical decisions."


class Record(BaseModel):
    """Base of everything stored as JSON: immutable, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Contribution(Record):
    """What one part of a model had to do with an answer.

    ``contribution`` is the answer's probability minus what it would be if that ``component`` had said what it says on
    average, or if that ``learner`` had not voted (None for the only one). A learner has a ``probability`` besides, its
    own, before calibration.
    """

    name: str
    kind: Literal["component", "learner"]
    contribution: float | None = Field(default=None, ge=-1.0, le=1.0)
    probability: float | None = Field(default=None, ge=0.0, le=1.0)


class SimilarCase(Record):
    """A confirmed case of the finding among those that the model learnt from.

    ``case`` is its key (the first 16 digits of its file's SHA-256), ``distance`` that of the Siamese component, in
    [0, 2], smaller is more alike. ``picture`` is the file beside the result that shows it, empty where the model was
    made without pictures.
    """

    case: str = Field(pattern=r"^[0-9a-f]{16}$")
    distance: float = Field(ge=0.0)
    picture: str = ""


class Finding(Record):
    """One label's answer.

    ``probability`` is calibrated when the model bundle carries a calibration for the label (``calibrated``), and
    ``positive`` is exactly ``probability >= threshold``. ``uncertainty`` is the standard deviation of the probability
    over test-time augmentations, in [0, 0.5]; None when it was not asked for.
    """

    label: str
    name: str
    probability: float = Field(ge=0.0, le=1.0)
    threshold: float = Field(ge=0.0, le=1.0)
    positive: bool
    calibrated: bool
    uncertainty: float | None = None
    logit: float | None = None
    code: str = ""
    contributions: tuple[Contribution, ...] = ()
    similar: tuple[SimilarCase, ...] = ()


class Structure(Record):
    """One segmented structure.

    ``value`` is its number in the label map; ``sd_hu`` the standard deviation of its voxels; ``box`` the smallest and
    the largest index of its voxels along ``(z, y, x)``, both included, None when it has no voxel or was not looked up.
    """

    label: str
    name: str
    value: int = Field(ge=1)
    code: str = ""
    volume_ml: float = Field(ge=0.0)
    mean_hu: float | None = None
    sd_hu: float | None = None
    box: tuple[tuple[int, int, int], tuple[int, int, int]] | None = None
    colour: str = "#6aa8f7"


class Notice(Record):
    """Something the reader of the result must know: poor quality, unlike the training data, synthetic, ...

    ``fix`` says what was done about it or what the reader can do; empty when there is nothing.
    """

    code: str
    level: Literal["info", "warning", "error"]
    message: str
    fix: str = ""

    @classmethod
    def of(cls, check: Check) -> Notice:
        """Return what was noticed when the image was opened, for the passport."""
        return cls(code=check.code, level=check.level.value, message=check.message, fix=check.fix)


class Faithfulness(Record):
    """Whether a heat map points at what the network used (deletion and insertion, RISE, Petsiuk et al. 2018).

    ``score`` is the area under the insertion curve minus the area under the deletion curve of the label's probability,
    in [-1, 1]; ``random_score`` is the mean of the same figure for random orderings of the same blocks. A map is worth
    showing when ``score`` clearly exceeds ``random_score``.
    """

    score: float
    random_score: float
    deletion_auc: float
    insertion_auc: float
    steps: int


class HeatmapInfo(Record):
    """The part of a heat map that goes into ``result.json``; the pixels lie beside it.

    ``part`` is the component of the model whose map it is, such as ``a``; empty for the map of the whole answer, which
    comes before those of its parts. Faithfulness is measured for the whole. ``caution`` says what is known of how well
    such maps find things.
    """

    label: str
    part: str = Field(default="", pattern=r"^[a-z]?$")
    method: str
    layer: str
    raw_maximum: float
    faithfulness: Faithfulness | None = None
    caution: str = ""
    file: str = ""
    picture: str = ""


@dataclass(frozen=True, eq=False)
class Heatmap:
    """A map on the image's own grid: float32 in [0, 1], shape = the image's spatial shape."""

    info: HeatmapInfo
    array: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A label map on the image's own grid: uint8 or uint16, shape = the image's spatial shape, 0 is background."""

    array: NDArray[np.unsignedinteger]
    structures: tuple[Structure, ...]


class SourceInfo(Record):
    """What was analysed, without patient data: file names (not folders), UIDs and the SHA-256 of the pixels.

    ``companions`` are the first file names of a case's further volumes, in their order.
    """

    names: tuple[str, ...] = ()
    uids: dict[str, str] = Field(default_factory=dict)
    pixel_sha256: str = ""
    shape: tuple[int, ...] = ()
    modality: str = ""
    companions: tuple[str, ...] = ()


class Passport(Record):
    """How a result came about. Same inputs and same passport give the same answer (``medtransfer rerun``).

    ``model_sha256`` is the content address of the model bundle, ``parameters`` are those of the request, ``versions``
    name medtransfer, the plug-in and the libraries that computed.
    """

    plugin: str
    plugin_version: str
    model: str
    model_sha256: str
    parameters: dict[str, str | int | float | bool | list[str]]
    versions: dict[str, str]
    device: str
    runtime: str
    seed: int
    created: str
    duration_s: float = 0.0
    checks: tuple[Notice, ...] = ()


@dataclass(frozen=True, eq=False)
class Result:
    """Everything that one analysis of one series found.

    ``pictures`` are small pictures of similar cases by their keys, uint8 (y, x, 3).
    """

    findings: tuple[Finding, ...]
    source: SourceInfo
    passport: Passport
    heatmaps: tuple[Heatmap, ...] = ()
    segmentation: Segmentation | None = None
    notices: tuple[Notice, ...] = field(default_factory=tuple)
    pictures: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
