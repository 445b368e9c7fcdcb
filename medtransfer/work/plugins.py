"""Plug-ins: install one after its golden case was answered as its author saw it answered."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pydantic import BaseModel, ValidationError

from medtransfer import logs
from medtransfer.errors import PluginError
from medtransfer.hosting import install as hosting
from medtransfer.hosting.catalogue import PluginEntry
from medtransfer.hosting.install import Inspection
from medtransfer.result.model import Result
from medtransfer.store.home import Home
from medtransfer.work import inputs, models
from medtransfer.work.analyser import Analyser, Options
from medtransfer.work.session import Session, start_worker


class _Answer(BaseModel):
    label: str
    probability: float


class Expected(BaseModel):
    """The part of a ``result.json`` that a golden case compares; the rest of the file is not looked at."""

    findings: list[_Answer]


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
    """Have the plug-in's starter model analyse the golden input and compare every probability.

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
    series = inputs.series_of(inputs.scan([_inside(entry, golden.input)]))
    inputs.require(series, (), ())
    expected = _expected(_inside(entry, golden.expected))
    options = Options(plugin=entry.id, explain=(), faithfulness=False, uncertainty=False)
    with tempfile.TemporaryDirectory(dir=session.home.jobs, prefix="golden-") as scratch:
        analyser = Analyser(session, bundle, options, Path(scratch))
        with start_worker(entry, session.cancelled) as worker:
            result = analyser.compute(worker, analyser.prepare(series[0]))
    _compare(result, expected, golden.tolerance)


def _compare(result: Result, expected: Expected, tolerance: float) -> None:
    found = {finding.label: finding.probability for finding in result.findings}
    for answer in expected.findings:
        probability = found.get(answer.label)
        if probability is None or abs(probability - answer.probability) > tolerance:
            raise PluginError(
                f"for {answer.label!r} it answered {probability} where {answer.probability} is expected",
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
