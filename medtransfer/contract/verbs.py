"""The verbs of a plug-in and the context in which it runs them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol

from medtransfer.cohort.model import Cohort, Partition
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.manifest import Manifest
from medtransfer.contract.requests import AnalyseRequest, LearnRequest, PretrainRequest
from medtransfer.result.model import Result
from medtransfer.study.model import Image


class JobCancelled(Exception):
    """Raised by :meth:`Context.check` when the person stopped the job. Let it pass through."""


class Context(Protocol):
    """What a plug-in gets from the worker."""

    manifest: Manifest
    device: Literal["cpu", "cuda"]
    runtime: Literal["torch", "openvino"]
    threads: int
    scratch: Path
    """An empty folder for temporary files, removed after the job."""
    checkpoints: Path
    """A folder that survives a kill of this process and is there again when the same job is resumed."""
    output: Path
    """Where :meth:`Plugin.learn` and :meth:`Plugin.pretrain` write their bundle."""
    weights: Mapping[str, Path]
    """Pretrained weights by their name in the catalogue: safetensors files on this machine."""
    cache: Path
    """A folder that outlives the job, for what can be computed again (frozen features)."""

    def progress(self, fraction: float, stage: str, **values: float) -> None:
        """Tell how far the job is, between 0 and 1, and what it is doing; ``values`` feed live curves."""

    def check(self) -> None:
        """Raise :class:`JobCancelled` if the person stopped the job. Call it at least once a second."""

    def log(self, level: Literal["debug", "info", "warning", "error"], text: str) -> None:
        """Write a line to the job's log. Never put a name, an identifier or a path into it."""


class Plugin(Protocol):
    """What a plug-in's entry class provides: the verbs that its manifest declares.

    It is built once per worker, with no arguments.
    """

    def analyse(self, image: Image, model: ModelBundle, request: AnalyseRequest, ctx: Context) -> Result:
        """Say what is in one image. The model stays warm between calls with the same bundle address."""

    def learn(self, cohort: Cohort, split: Mapping[str, Partition], request: LearnRequest, ctx: Context) -> ModelBundle:
        """Learn from labelled cases (``split`` maps case keys to partitions) and write a bundle into ``ctx.output``."""

    def pretrain(self, cohort: Cohort, request: PretrainRequest, ctx: Context) -> ModelBundle:
        """Learn from images without answers and write a bundle to start :meth:`learn` from into ``ctx.output``."""
