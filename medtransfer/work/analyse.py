"""Analyse: one or several series with one plug-in and one model, each into a result folder."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from medtransfer import logs
from medtransfer.contract import explainers
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.manifest import Manifest
from medtransfer.errors import MedTransferError, UserError
from medtransfer.hosting.process import Worker
from medtransfer.result.model import Result
from medtransfer.store import jobs
from medtransfer.store.files import require_space
from medtransfer.study.model import Image, Series
from medtransfer.work import inputs, models
from medtransfer.work.analyser import Analyser, Options, Prepared
from medtransfer.work.delivery import check_formats, refuse_existing
from medtransfer.work.session import Session, usable

SPACE_MB = 200
_EXPLAIN_WORDS = {"positive", "all"}


@dataclass(frozen=True)
class Analysed:
    """One series from among ``paths``, and its result in ``folder``."""

    names: tuple[str, ...]
    paths: tuple[Path, ...]
    folder: Path
    result: Result


@dataclass(frozen=True)
class NotAnalysed:
    """One series that failed or does not suit the plug-in, and why in words."""

    names: tuple[str, ...]
    reason: str
    hint: str


@dataclass(frozen=True)
class Outcome:
    """What came of a request: what worked, what failed, and what was left aside as unsuitable."""

    done: tuple[Analysed, ...]
    failed: tuple[NotAnalysed, ...]
    skipped: tuple[NotAnalysed, ...]


def analyse(session: Session, paths: Sequence[Path], options: Options, out: Path) -> Outcome:
    """Analyse every suitable series at ``paths``.

    One series is written into ``out`` itself, several into ``out/0001``, ``out/0002``, ... in the order in which they
    were found. When the only series fails its error is raised; of several, the others go on. For a model that takes
    several volumes of a case, ``paths`` names them in its order, and there is one result.

    Raises
    ------
    MedTransferError
        When nothing can be analysed: no suitable input, no usable plug-in or model, a result already in ``out``, or
        the person's wish to stop.
    """
    entry, manifest = usable(session.home, options.plugin)
    chosen = models.choose(session.home, entry, options.model)
    check_options(options, manifest, chosen.bundle)
    refuse_existing(out)
    volumes = chosen.bundle.card.volumes
    if volumes > 1:
        case = inputs.case_of(paths, manifest.input, options.modality, volumes)
        require_space(out, SPACE_MB)
        with jobs.running(session.home, f"analyse-{uuid.uuid4().hex}", "analyse", entry.id) as scratch:
            analyser = Analyser(session, chosen.bundle, options, scratch)
            return Outcome((_analyse(analyser, session.worker(entry), case, out, paths),), (), ())
    found = inputs.scan(paths)
    suitable, unsuitable = inputs.sort_out(inputs.series_of(found, options.modality), manifest.input)
    inputs.require(suitable, unsuitable, found.problems)
    require_space(out, SPACE_MB)
    unreadable = [NotAnalysed((error.subject or "",), error.message, error.hint) for error in found.problems]
    skipped = tuple(NotAnalysed(left.series.source.names, left.reason, "") for left in unsuitable)
    with jobs.running(session.home, f"analyse-{uuid.uuid4().hex}", "analyse", entry.id) as scratch:
        analyser = Analyser(session, chosen.bundle, options, scratch)
        worker = session.worker(entry)
        if len(suitable) == 1:
            return Outcome((_analyse(analyser, worker, suitable[:1], out, paths),), tuple(unreadable), skipped)
        done, failed = [], unreadable
        for number, series in enumerate(suitable, start=1):
            session.check()
            try:
                done.append(_analyse(analyser, worker, [series], out / f"{number:04d}", paths))
            except MedTransferError as error:
                if error.code == jobs.CANCELLED:
                    raise
                failed.append(NotAnalysed(series.source.names, error.message, error.hint))
    return Outcome(tuple(done), tuple(failed), skipped)


def analyse_image(
    session: Session, image: Image, names: tuple[str, ...], paths: Sequence[Path], options: Options
) -> Analysed:
    """Analyse one decoded image into a new folder among the store's own results.

    Parameters
    ----------
    image
        As :meth:`Series.image` returned it.
    names
        Names of its files, without folders.
    paths
        Where it was opened from, so that the result can find its image again.

    Raises
    ------
    MedTransferError
        When the plug-in or the model cannot be used, the analysis fails, or the person stopped it.
    """
    entry, manifest = usable(session.home, options.plugin)
    chosen = models.choose(session.home, entry, options.model)
    check_options(options, manifest, chosen.bundle)
    inputs.require_count(1 + len(image.companions), chosen.bundle.card.volumes)
    target = session.home.prepare().results / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:12]}"
    require_space(target, SPACE_MB)
    with jobs.running(session.home, f"analyse-{uuid.uuid4().hex}", "analyse", entry.id) as scratch:
        analyser = Analyser(session, chosen.bundle, options, scratch)
        worker = session.worker(entry)
        return _deliver(analyser, worker, lambda: analyser.prepare_image(image, names), names, target, paths)


def check_options(options: Options, manifest: Manifest, bundle: ModelBundle) -> None:
    """Refuse what plug-in or model cannot do before anything starts.

    Raises
    ------
    UserError
        When the plug-in cannot analyse, the model does not know a label to explain, its network cannot be explained in
        the way asked for, or a format needs a segmentation.
    """
    if not manifest.can.analyse:
        raise UserError(
            "this plug-in cannot analyse", code="plugin.verb", hint="Choose another with --plugin.", subject=manifest.id
        )
    check_formats(options.formats, manifest)
    possible = explainers.of_network(bundle.card.backbone)
    if options.explainer not in possible:
        raise UserError(
            f"{explainers.NAMES[options.explainer].lower()} needs a vision transformer, and the model is none",
            code="analyse.explainer",
            hint=f"This model can be explained by {' or '.join(possible)}.",
            subject=bundle.card.backbone,
        )
    labels = [label.id for label in bundle.card.labels]
    for wish in options.explain:
        if wish not in _EXPLAIN_WORDS and wish not in labels:
            raise UserError(
                "the model has no such label",
                code="analyse.label",
                hint=f"Use one of {', '.join([*labels, *sorted(_EXPLAIN_WORDS)])}.",
                subject=wish,
            )


def _analyse(
    analyser: Analyser, worker: Worker, case: Sequence[Series], target: Path, paths: Sequence[Path]
) -> Analysed:
    return _deliver(analyser, worker, lambda: analyser.prepare(*case), case[0].source.names, target, paths)


def _deliver(
    analyser: Analyser,
    worker: Worker,
    prepare: Callable[[], Prepared],
    names: tuple[str, ...],
    target: Path,
    paths: Sequence[Path],
) -> Analysed:
    begun = time.monotonic()
    options = analyser.options
    refuse_existing(target)
    try:
        analyser.session.on_progress("reading", None, {})
        prepared = prepare()
        result = analyser.compute(worker, prepared)
        analyser.deliver(prepared, result, target, paths)
    except MedTransferError as error:
        logs.event("analyse.failed", plugin=options.plugin, code=error.code, kind=error.kind)
        raise
    logs.event("analyse.done", plugin=options.plugin, model=analyser.bundle.sha256, duration_s=time.monotonic() - begun)
    return Analysed(names, tuple(paths), target, result)
