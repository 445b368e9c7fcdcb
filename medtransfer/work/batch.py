"""Batch: a folder tree through one model, a row per case, failures recorded, and nothing lost or done twice."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from medtransfer import logs
from medtransfer.contract.bundle import ModelBundle
from medtransfer.errors import UserError
from medtransfer.store import jobs
from medtransfer.store.files import require_space
from medtransfer.store.lock import exclusive
from medtransfer.work import models, same_settings
from medtransfer.work.analyse import check_options
from medtransfer.work.analyser import Analyser, Options
from medtransfer.work.assembly import Assembly
from medtransfer.work.ledger import Ledger
from medtransfer.work.session import Session, usable
from medtransfer.work.tables import Tables

SETTINGS = "batch.json"
LEDGER = "ledger.jsonl"
LOCK = ".lock"
SPACE_MB = 200
MAXIMUM_WORKERS = 64


@dataclass(frozen=True)
class Counts:
    """How many cases ended how, over all runs of the batch; ``already`` of them were finished by earlier runs."""

    done: int
    failed: int
    skipped: int
    already: int


def batch(session: Session, folder: Path, options: Options, out: Path, workers: int = 1) -> Counts:
    """Analyse every image below ``folder``.

    ``out`` receives ``results.csv``, ``failures.csv``, ``ledger.jsonl`` and one folder per case below ``cases``. The
    same call goes on where an earlier one was stopped or killed.

    Parameters
    ----------
    session
        The store, and whom to tell about progress.
    folder
        Walked while the work goes on; files that change meanwhile are taken as they are found.
    options
        As for a single analysis.
    out
        May lie below ``folder``.
    workers
        Processes that analyse at the same time, each with a model of its own in memory.

    Raises
    ------
    MedTransferError
        When the batch cannot start, the disk is full, or the person wishes to stop.
    """
    if not 1 <= workers <= MAXIMUM_WORKERS:
        raise UserError(
            f"the number of workers must be between 1 and {MAXIMUM_WORKERS}",
            code="batch.workers",
            hint="As many as there are processor cores is the most that helps.",
            subject="--workers",
        )
    if not folder.is_dir():
        raise UserError("there is no such folder", code="input.missing", hint="Check the path.", subject=str(folder))
    entry, manifest = usable(session.home, options.plugin)
    chosen = models.choose(session.home, entry, options.model)
    check_options(options, manifest, chosen.bundle)
    if chosen.bundle.card.volumes > 1:
        raise UserError(
            f"the model takes {chosen.bundle.card.volumes} volumes of a case, and a folder does not say which belong"
            " together",
            code="batch.volumes",
            hint="Analyse case by case: `medtransfer analyse FIRST SECOND ... --plugin PLUGIN --model MODEL`.",
        )
    require_space(out, SPACE_MB)
    with (
        exclusive(out / LOCK, "a batch"),
        jobs.running(session.home, f"batch-{uuid.uuid4().hex}", "batch", entry.id) as scratch,
    ):
        _same_settings(out, chosen.bundle, options, manifest.version)
        ledger = Ledger(out / LEDGER)
        already = ledger.counts.total()
        tables = Tables(out, [label.id for label in chosen.bundle.card.labels], ledger.read())
        quiet = Session(session.home, cancelled=session.cancelled)  # the batch tells of cases, not of their stages
        analyser = Analyser(quiet, chosen.bundle, options, scratch)
        assembly = Assembly(analyser, entry, manifest.input, folder, out, ledger)
        for case in assembly.run(workers):
            ledger.append(case)
            tables.append(case)
            session.on_progress(
                "analysing", assembly.fraction, {"cases": ledger.counts.total(), "failed": ledger.counts["failed"]}
            )
    counts = _count(ledger, already)
    logs.event("batch.done", plugin=entry.id, done=counts.done, failed=counts.failed, workers=workers)
    return counts


def _count(ledger: Ledger, already: int) -> Counts:
    return Counts(ledger.counts["done"], ledger.counts["failed"], ledger.counts["skipped"], already)


def _same_settings(out: Path, bundle: ModelBundle, options: Options, plugin_version: str) -> None:
    """Write down what the rows of this folder were made with, or refuse to mix them with others."""
    settings = {
        "plugin": options.plugin,
        "plugin_version": plugin_version,
        "model_sha256": bundle.sha256,
        "explain": list(options.explain),
        "seed": options.seed,
        **({"modality": options.modality} if options.modality else {}),
        **({"quality": options.quality} if options.quality != "full" else {}),
        **({"explainer": options.explainer} if options.explainer != "gradcam" else {}),
    }
    same_settings.require(
        out / SETTINGS,
        settings,
        UserError(
            "this folder holds a batch that was made with another model, plug-in version or settings",
            code="batch.other-settings",
            hint="Name that model with --model to go on, or choose another folder with --out.",
            subject=str(out),
        ),
    )
