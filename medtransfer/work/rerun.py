"""Rerun: the same model on the same pixels must give the same answer, bit for bit."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from medtransfer.contract import explainers
from medtransfer.contract.manifest import Manifest
from medtransfer.contract.requests import QUALITIES
from medtransfer.errors import DataError, MedTransferError
from medtransfer.result import compare, reading
from medtransfer.result.model import Result
from medtransfer.store import jobs, results
from medtransfer.study.companions import joined
from medtransfer.study.modality import STATABLE
from medtransfer.study.model import Image
from medtransfer.study.pixels import pixel_sha256
from medtransfer.work import inputs, models
from medtransfer.work.analyser import Analyser, Options
from medtransfer.work.session import Session, usable


@dataclass(frozen=True)
class Rerun:
    """The new result, and in words where it differs from the old one; nothing when it is the same."""

    result: Result
    differences: tuple[str, ...]


def rerun(session: Session, folder: Path, given: Sequence[Path] = ()) -> Rerun:
    """Repeat the analysis that made the result in ``folder`` and compare.

    Parameters
    ----------
    session
        The store must have the model; it also knows where the input lies if the result was made with it.
    folder
        A result folder.
    given
        Where the input lies now, when it moved or came from another machine.

    Raises
    ------
    MedTransferError
        When the result, its model or its input cannot be found or read.
    """
    old = reading.read(folder)
    entry, manifest = usable(session.home, old.passport.plugin)
    bundle = models.by_address(session.home, entry, old.passport.model_sha256)
    paths = list(given) or results.inputs_of(session.home, folder)
    image = find_image(paths, old, manifest, bundle.card.volumes)
    with jobs.running(session.home, f"rerun-{uuid.uuid4().hex}", "rerun", entry.id) as scratch:
        analyser = Analyser(session, bundle, options_of(old), scratch)
        prepared = analyser.prepare_image(image, old.source.names, old.source.companions)
        new = analyser.compute(session.worker(entry), prepared)
        return Rerun(new, tuple(compare.differences(old, new)))


def find_image(paths: Sequence[Path], old: Result, manifest: Manifest, volumes: int = 1) -> Image:
    """Return the image whose pixels are those of the old result.

    For a model that takes several ``volumes`` of a case, ``paths`` names them in its order.

    Raises
    ------
    DataError
        When none of the images at ``paths`` has these pixels.
    """
    for image in _images(paths, manifest, old.source.modality, volumes):
        if pixel_sha256(image) == old.source.pixel_sha256:
            return image
    raise DataError(
        "none of the images there has the pixels that the result was made from",
        code="rerun.input-changed",
        hint="Name the original file or folder with --input.",
    )


def options_of(old: Result) -> Options:
    """Return the options that the old result's passport states."""
    stated = old.passport.parameters
    explain = stated.get("explain", ["positive"])
    return Options(
        plugin=old.passport.plugin,
        explain=tuple(explain) if isinstance(explain, list) else (str(explain),),
        faithfulness=bool(stated.get("faithfulness", True)),
        uncertainty=bool(stated.get("uncertainty", True)),
        synthetic=bool(stated.get("synthetic", False)),
        seed=old.passport.seed,
        quality=next((quality for quality in QUALITIES if quality == stated.get("quality")), "full"),
        explainer=explainers.stated(stated),
    )


def _images(paths: Sequence[Path], manifest: Manifest, modality: str, volumes: int) -> Iterator[Image]:
    """Yield what suits the plug-in; ``modality`` is what the input was analysed as, whoever stated it."""
    stated = modality if modality in STATABLE else ""
    if volumes > 1:
        yield joined([series.image() for series in inputs.case_of(paths, manifest.input, stated, volumes)])
        return
    suitable, _ = inputs.sort_out(inputs.series_of(inputs.scan(paths), stated), manifest.input)
    for series in suitable:
        try:
            yield series.image()
        except MedTransferError:
            continue
