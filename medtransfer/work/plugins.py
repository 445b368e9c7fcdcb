"""Plug-ins: install one after its golden case was answered as its author saw it answered."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pydantic import BaseModel, ValidationError

from medtransfer import logs
from medtransfer.contract.manifest import Manifest
from medtransfer.errors import PluginError
from medtransfer.hosting import install as hosting
from medtransfer.hosting.catalogue import PluginEntry
from medtransfer.hosting.install import Inspection
from medtransfer.result.model import Result
from medtransfer.store.home import Home
from medtransfer.study.modality import STATABLE
from medtransfer.study.model import Series
from medtransfer.work import inputs, models
from medtransfer.work.analyser import Analyser, Options
from medtransfer.work.session import Session, start_worker

_SMALL = 10.0
"""Volumes below this many ml are compared as if they had it: a few voxels at an outline are no other answer."""


class _Answer(BaseModel):
    label: str
    probability: float


class _Size(BaseModel):
    label: str
    volume_ml: float


class Expected(BaseModel):
    """The part of a ``result.json`` that a golden case compares; the rest of the file is not looked at."""

    findings: list[_Answer]
    structures: list[_Size] = []


def inspect(source: Path) -> Inspection:
    """Return what a person must see before they agree: licence, permissions, hashes, intended use.

    Raises
    ------
    MedTransferError
        When the source is no usable plug-in.
    """
    return hosting.inspect(source)


def install(session: Session, source: Path) -> PluginEntry:
    """Install a wheel or a folder that the person has inspected and agreed to.

    Raises
    ------
    MedTransferError
        When it cannot be installed or its golden case fails; nothing is installed then.
    """

    def tell(fraction: float, stage: str) -> None:
        session.on_progress(stage, fraction, {})

    entry = hosting.install(
        session.home.prepare().root, source, tell, golden=lambda tried: run_golden_case(session, tried)
    )
    logs.event("plugin.installed", plugin=entry.id)
    return entry


def uninstall(home: Home, plugin_id: str) -> None:
    """Remove an installed plug-in and everything that was installed for it; models that it trained stay.

    Raises
    ------
    MedTransferError
        When it was not installed by medtransfer, or is in use.
    """
    hosting.uninstall(home.root, plugin_id)
    logs.event("plugin.uninstalled", plugin=plugin_id)


def run_golden_case(session: Session, entry: PluginEntry) -> None:
    """Have the plug-in's starter model analyse the golden input and compare every probability and every volume.

    A file that does not say what it shows is taken for what the plug-in asks for first.

    Raises
    ------
    PluginError
        When an answer is missing or further from the expected one than the manifest tolerates.
    MedTransferError
        When the analysis fails.
    """
    if entry.manifest is None or entry.manifest.golden is None:
        return
    golden = entry.manifest.golden
    bundle = models.choose(session.home, entry, models.STARTER).bundle
    series = _golden_series(entry.manifest, _inside(entry, golden.input))
    expected = _expected(_inside(entry, golden.expected))
    options = Options(plugin=entry.id, explain=(), faithfulness=False, uncertainty=False)
    with tempfile.TemporaryDirectory(dir=session.home.jobs, prefix="golden-") as scratch:
        analyser = Analyser(session, bundle, options, Path(scratch))
        with start_worker(entry, session.cancelled) as worker:
            result = analyser.compute(worker, analyser.prepare(series))
    _compare(result, expected, golden.tolerance)


def _golden_series(manifest: Manifest, path: Path) -> Series:
    stated = next((modality for modality in manifest.input.modalities if modality in STATABLE), "")
    series = inputs.series_of(inputs.scan([path]), stated)
    inputs.require(series, (), ())
    return series[0]


def _compare(result: Result, expected: Expected, tolerance: float) -> None:
    """Raise when a probability is further off than the tolerance, or a volume by more than that share of itself."""
    probabilities = {finding.label: finding.probability for finding in result.findings}
    for answer in expected.findings:
        _agree(answer.label, probabilities.get(answer.label), answer.probability, tolerance)
    volumes = {found.label: found.volume_ml for found in result.segmentation.structures} if result.segmentation else {}
    for size in expected.structures:
        _agree(size.label, volumes.get(size.label), size.volume_ml, tolerance * max(size.volume_ml, _SMALL))


def _agree(label: str, found: float | None, expected: float, tolerance: float) -> None:
    if found is None or abs(found - expected) > tolerance:
        raise PluginError(
            f"for {label!r} it answered {found} where {expected} is expected",
            code="plugin.golden-answer",
            hint="`medtransfer doctor` shows whether the runtimes of this machine compute as they should.",
        )


def _expected(path: Path) -> Expected:
    try:
        return Expected.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise PluginError(
            "the expected answer of the golden case cannot be read",
            code="plugin.golden-missing",
            hint="It must be a result.json as `medtransfer analyse` writes it: report this to the plug-in's author.",
        ) from error


def _inside(entry: PluginEntry, name: str) -> Path:
    path = (entry.folder / name).resolve()
    if not path.is_relative_to(entry.folder.resolve()):
        raise PluginError(
            "the golden case lies outside the plug-in",
            code="plugin.golden-outside",
            hint="Do not install this plug-in; report it to its author.",
        )
    return path
