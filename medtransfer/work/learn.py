"""Learn: labelled cases in, a tested model with its report out, and then published."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from medtransfer import logs
from medtransfer.cohort import exchange
from medtransfer.cohort.model import Problem
from medtransfer.cohort.splitting import FrozenSplit
from medtransfer.contract import requests
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.manifest import Manifest
from medtransfer.contract.requests import LearnRequest
from medtransfer.errors import DataError, UserError
from medtransfer.hosting.catalogue import PluginEntry
from medtransfer.result.model import Record
from medtransfer.store import jobs, timings
from medtransfer.store import models as registry
from medtransfer.store.files import copy_folder, full_disk_explained, require_space, write_text
from medtransfer.store.lock import exclusive
from medtransfer.store.models import StoredModel
from medtransfer.work import estimates, planning, weights
from medtransfer.work.planning import Plan, Wish
from medtransfer.work.report import evaluation_report
from medtransfer.work.session import Session

OUTCOME = "learn.json"
MODEL = "model"
SPLIT = "split.json"
CHECKS = "checks.json"
REPORT = "report.html"
LOCK = ".lock"
SPACE_MB = 1000


class Outcome(Record):
    """The file ``learn.json`` of a finished training; ``model`` is empty until it is published.

    ``key`` identifies the training, ``name`` is what to publish under, ``sha256`` the address of the model.
    """

    key: str
    name: str
    sha256: str
    model: str = ""


@dataclass(frozen=True)
class Trained:
    """A finished training: its folder, its model, where the report lies, and what it is to be called."""

    folder: Path
    name: str
    bundle: ModelBundle
    report: Path


@dataclass(frozen=True)
class Learnt:
    """The published model, where its report lies, and what was noticed about its data."""

    model: StoredModel
    bundle: ModelBundle
    report: Path
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Task:
    """A wish with everything in it resolved."""

    entry: PluginEntry
    manifest: Manifest
    plan: Plan
    request: LearnRequest
    key: str


def unseen(plan: Plan) -> None:
    """Show a plan to nobody."""


def learn(session: Session, wish: Wish, out: Path, on_plan: Callable[[Plan], None] = unseen) -> Learnt:
    """Train, test and publish a model.

    The same call goes on exactly where an earlier one was stopped or killed, and returns the finished model when it was
    done already. ``out`` receives the bundle (``model``), ``report.html``, ``split.json`` and ``checks.json``.

    Parameters
    ----------
    session
        The store, and whom to tell about progress.
    wish
        What to learn from, and how.
    out
        One folder per training.
    on_plan
        Receives the checks and the split before training starts.

    Raises
    ------
    MedTransferError
        When data, recipe, plug-in, weights or disk do not allow it, another training runs in ``out`` or another model
        lies there, or the person wishes to stop.
    """
    with exclusive(out / LOCK, "a training"):
        _check_name(wish)
        examination = planning.examine(session, wish)
        plan = planning.settle(session, wish, examination)
        on_plan(plan)
        trained = _train(session, wish, plan, out)
        model = _publish(session, trained)
    return Learnt(model, model.open(), trained.report, plan.problems)


def train(session: Session, wish: Wish, plan: Plan, out: Path) -> Trained:
    """Train and test a model without publishing it; called again it goes on where it was stopped or killed.

    Parameters
    ----------
    session
        The store, and whom to tell about progress.
    wish
        What to learn from, and how.
    plan
        What :func:`medtransfer.work.planning.settle` returned for this wish.
    out
        One folder per training.

    Raises
    ------
    MedTransferError
        As :func:`learn`.
    """
    with exclusive(out / LOCK, "a training"):
        return _train(session, wish, plan, out)


def publish(session: Session, trained: Trained) -> StoredModel:
    """Put a finished training's model into the list of models; a second time returns what the first time did.

    Raises
    ------
    MedTransferError
        When the name is not acceptable, the bundle is damaged or the disk is full.
    """
    with exclusive(trained.folder / LOCK, "a training"):
        return _publish(session, trained)


def outcome(out: Path) -> Outcome | None:
    """Return what a training's folder says about its end; None when it has not ended.

    Raises
    ------
    DataError
        When the file is damaged.
    """
    try:
        return Outcome.model_validate_json((out / OUTCOME).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise DataError(
            "the record of this training is damaged",
            code="learn.damaged",
            hint="Train again into another folder.",
            subject=str(out),
        ) from error


def trained_in(out: Path) -> Trained | None:
    """Return the training that ended in a folder, None when none has.

    Raises
    ------
    DataError
        When its record or its model is damaged.
    """
    ended = outcome(out)
    return Trained(out, ended.name, ModelBundle.open(out / MODEL), out / REPORT) if ended else None


def _name(wish: Wish) -> str:
    return wish.name or wish.plugin.rpartition(".")[2]


def _check_name(wish: Wish) -> None:
    registry.check_name(_name(wish))


def _train(session: Session, wish: Wish, plan: Plan, out: Path) -> Trained:
    task = _task(session, wish, plan, out)
    finished = _finished(task, out)
    if finished is not None:
        return finished
    require_space(session.home.root, SPACE_MB)
    with jobs.running(session.home, f"learn-{task.key[:32]}", "learn", task.entry.id) as folder:
        bundle_folder = _run(session, task, folder, out)
        return _keep(session, task, bundle_folder, out)


def _task(session: Session, wish: Wish, plan: Plan, out: Path) -> _Task:
    entry, manifest = planning.learner(session.home, wish.plugin)
    _check_name(wish)
    planning.refuse_errors(plan.problems)
    parent = planning.parent_of(session.home, entry, wish)
    request = LearnRequest(
        name=_name(wish),
        recipe=plan.recipe,
        parent=str(parent.folder) if parent else "",
        labels=list(plan.cohort.labels),
        keeps=list(plan.keeps),
        weights={key: str(path) for key, path in weights.prepare_all(session, entry, manifest, plan.recipe).items()},
        cache=str(session.home.cache),
    )
    return _Task(entry, manifest, plan, request, _key(manifest, plan, request, out))


def _key(manifest: Manifest, plan: Plan, request: LearnRequest, out: Path) -> str:
    """Identify a training: the same command has the same key, whatever else changes it."""
    parts = {
        "plugin": [manifest.id, manifest.version],
        "request": request.model_dump(mode="json"),
        "fingerprint": plan.cohort.fingerprint,
        "split": plan.split.sha256,
        "out": str(out.resolve()),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _run(session: Session, task: _Task, folder: Path, out: Path) -> Path:
    """Run the job in its folder, or pick up the bundle that an interrupted run had finished."""
    bundle_folder = folder / requests.BUNDLE_FOLDER
    if bundle_folder.is_dir():
        return bundle_folder
    resumed = (folder / requests.REQUEST).exists()
    with full_disk_explained():
        exchange.save(task.plan.cohort, folder / requests.COHORT)
        task.plan.split.save(folder / requests.SPLIT)
        task.plan.split.save(out / SPLIT)
        write_text(out / CHECKS, _checks_json(task.plan.problems))
        write_text(folder / requests.REQUEST, task.request.model_dump_json())
    begin = time.monotonic()
    session.run(session.worker(task.entry), "learn", folder)
    if not resumed and not task.plan.keeps:
        amount = estimates.amount_for(task.plan.recipe, task.plan.cohort)
        timings.record(session.home, task.entry.id, task.plan.recipe.tune, amount, time.monotonic() - begin)
    return bundle_folder


def _checks_json(problems: tuple[Problem, ...]) -> str:
    """Return the checks without their subjects, which may name files."""
    shown = [
        {"code": p.code, "level": p.level, "message": p.message, "hint": p.hint, "rows": list(p.rows)} for p in problems
    ]
    return json.dumps(shown, indent=1)


def _keep(session: Session, task: _Task, bundle_folder: Path, out: Path) -> Trained:
    """Move what the job made to where the person finds it; the record comes last, when everything is there."""
    session.on_progress("writing the report", None, {})
    with full_disk_explained():
        copy_folder(bundle_folder, out / MODEL)
        bundle = ModelBundle.open(out / MODEL)
        evaluation_report(bundle, out / REPORT, task.plan.problems)
        ended = Outcome(key=task.key, name=task.request.name, sha256=bundle.sha256)
        write_text(out / OUTCOME, ended.model_dump_json())
    logs.event("learn.trained", plugin=task.entry.id, model=bundle.sha256)
    return Trained(out, ended.name, bundle, out / REPORT)


def _publish(session: Session, trained: Trained) -> StoredModel:
    session.on_progress("publishing", None, {})
    model = registry.publish(session.home, trained.bundle.folder, trained.name)
    ended = outcome(trained.folder)
    with full_disk_explained():
        FrozenSplit.load(trained.folder / SPLIT).save(planning.split_file(session.home, trained.bundle))
        if ended is not None:
            write_text(trained.folder / OUTCOME, ended.model_copy(update={"model": model.reference}).model_dump_json())
    logs.event("learn.done", plugin=model.plugin, model=model.sha256)
    return model


def _finished(task: _Task, out: Path) -> Trained | None:
    """Return what this very training produced before; refuse when another one's model lies in ``out``."""
    ended = outcome(out)
    if ended is not None and ended.key != task.key:
        raise UserError(
            "this folder holds the model of another training, and models are never overwritten",
            code="learn.exists",
            hint="Choose another folder with --out.",
            subject=str(out),
        )
    return trained_in(out)
