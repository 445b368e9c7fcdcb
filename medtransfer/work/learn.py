"""Learn: labelled cases in, a tested and published model with its report out."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from medtransfer import cohort, logs
from medtransfer.cohort import checks, exchange
from medtransfer.cohort.model import Cohort, Problem
from medtransfer.cohort.splitting import FrozenSplit
from medtransfer.contract import requests
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.manifest import Manifest
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.requests import LearnRequest
from medtransfer.errors import DataError, UserError
from medtransfer.hosting.catalogue import PluginEntry
from medtransfer.store import jobs
from medtransfer.store import models as registry
from medtransfer.store.files import copy_folder, full_disk_explained, require_space, write_text
from medtransfer.store.lock import exclusive
from medtransfer.store.models import StoredModel
from medtransfer.work import models, weights
from medtransfer.work.report import evaluation_report
from medtransfer.work.session import Session, usable

OUTCOME = "learn.json"
MODEL = "model"
SPLIT = "split.json"
CHECKS = "checks.json"
REPORT = "report.html"
LOCK = ".lock"
SPACE_MB = 1000

_UNKNOWN_SPLIT = Problem(
    "split.parent-unknown",
    "warning",
    "which cases the model to start from was trained on is not known here: some may now be among the test cases",
    "Make sure that none of these patients were in its training data; otherwise the figures are too good.",
)


@dataclass(frozen=True)
class Wish:
    """What a person asks for.

    ``recipe`` is a preset's name or a TOML file, ``settings`` change single values of it. ``labels`` empty means every
    label that the data have. ``parent`` is a published model to start from, whose test set is kept.
    """

    plugin: str
    data: Path
    recipe: str = "standard"
    name: str = ""
    labels: tuple[str, ...] = ()
    parent: str = ""
    settings: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """Everything that is settled before training starts, for the person to look at."""

    cohort: Cohort
    problems: tuple[Problem, ...]
    split: FrozenSplit
    recipe: Recipe


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
        task = _prepare(session, wish, out, on_plan)
        finished = _finished(session, task, out)
        if finished is not None:
            return finished
        require_space(session.home.root, SPACE_MB)
        with jobs.running(session.home, f"learn-{task.key[:32]}", "learn", task.entry.id) as folder:
            bundle_folder = _train(session, task, folder, out)
            return _publish(session, task, bundle_folder, out)


def _prepare(session: Session, wish: Wish, out: Path, on_plan: Callable[[Plan], None]) -> _Task:
    entry, manifest = usable(session.home, wish.plugin)
    if not manifest.can.learn:
        raise UserError("this plug-in cannot learn", code="plugin.verb", hint="Choose another one.", subject=entry.id)
    name = wish.name or entry.id.rpartition(".")[2]
    registry.check_name(name)
    recipe = _recipe(wish, manifest)
    parent = models.choose(session.home, entry, wish.parent).bundle if wish.parent else None
    plan = _plan(session, wish, manifest, recipe, parent)
    on_plan(plan)
    _refuse_errors(plan.problems)
    request = LearnRequest(
        name=name,
        recipe=recipe,
        parent=str(parent.folder) if parent else "",
        labels=list(plan.cohort.labels),
        weights={key: str(path) for key, path in weights.prepare_all(session, entry, manifest, recipe).items()},
        cache=str(session.home.cache),
    )
    return _Task(entry, manifest, plan, request, _key(manifest, plan, request, out))


def _recipe(wish: Wish, manifest: Manifest) -> Recipe:
    """Return the recipe with what the plug-in changes in that preset, and then with the person's own settings."""
    recipe = Recipe.resolve(wish.recipe)
    changes = manifest.recipes.get(wish.recipe, {})
    return recipe.changed({**changes, **wish.settings})


def _plan(session: Session, wish: Wish, manifest: Manifest, recipe: Recipe, parent: ModelBundle | None) -> Plan:
    session.on_progress("reading the table", None, {})
    read = cohort.read(wish.data, list(wish.labels) or None)
    _refuse_unknown_labels(read, manifest)

    def tell(done: int, total: int) -> None:
        session.check()
        session.on_progress("checking the images", done / max(total, 1), {})

    problems = checks.inspect(read, tell)
    _refuse_errors(problems)
    previous = _previous_split(session, parent)
    if parent is not None and previous is None:
        problems = (*problems, _UNKNOWN_SPLIT)
    split = FrozenSplit.make(read, recipe.validation_share, recipe.test_share, recipe.seed, previous)
    return Plan(read, (*problems, *checks.inspect_split(read, split.partitions)), split, recipe)


def _refuse_unknown_labels(cohort: Cohort, manifest: Manifest) -> None:
    unknown = [label for label in cohort.labels if manifest.label(label) is None]
    if unknown and not manifest.task.open_labels:
        raise DataError(
            f"the plug-in does not know the labels {', '.join(unknown)}",
            code="cohort.unknown-labels",
            hint=f"It knows {', '.join(label.id for label in manifest.task.labels)}: rename the columns, or choose"
            " columns with --label.",
        )


def _refuse_errors(problems: tuple[Problem, ...]) -> None:
    errors = [problem for problem in problems if problem.level == "error"]
    if errors:
        first = errors[0]
        rows = f" (row {', '.join(map(str, first.rows[:10]))})" if first.rows else ""
        others = f"; {len(errors) - 1} more like this" if len(errors) > 1 else ""
        raise DataError(
            f"{first.message}{rows}{others}",
            code=first.code,
            hint=first.hint or "Mend the table and start again: nothing was trained.",
            subject=first.subject or None,
        )


def _previous_split(session: Session, parent: ModelBundle | None) -> FrozenSplit | None:
    """Return the split that the parent was tested with, so that its test cases stay unseen."""
    if parent is None:
        return None
    path = _split_file(session, parent)
    return FrozenSplit.load(path) if path.exists() else None


def _split_file(session: Session, bundle: ModelBundle) -> Path:
    return session.home.splits / f"{bundle.sha256}.json"


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


def _train(session: Session, task: _Task, folder: Path, out: Path) -> Path:
    """Run the job in its folder, or pick up the bundle that an interrupted run had finished."""
    bundle_folder = folder / requests.BUNDLE_FOLDER
    if bundle_folder.is_dir():
        return bundle_folder
    with full_disk_explained():
        exchange.save(task.plan.cohort, folder / requests.COHORT)
        task.plan.split.save(folder / requests.SPLIT)
        task.plan.split.save(out / SPLIT)
        write_text(out / CHECKS, _checks_json(task.plan.problems))
        write_text(folder / requests.REQUEST, task.request.model_dump_json())
    session.run(session.worker(task.entry), "learn", folder)
    return bundle_folder


def _checks_json(problems: tuple[Problem, ...]) -> str:
    """Return the checks without their subjects, which may name files."""
    shown = [
        {"code": p.code, "level": p.level, "message": p.message, "hint": p.hint, "rows": list(p.rows)} for p in problems
    ]
    return json.dumps(shown, indent=1)


def _publish(session: Session, task: _Task, bundle_folder: Path, out: Path) -> Learnt:
    session.on_progress("publishing", None, {})
    model = registry.publish(session.home, bundle_folder, task.request.name)
    bundle = model.open()
    with full_disk_explained():
        task.plan.split.save(_split_file(session, bundle))
        shutil.rmtree(out / MODEL, ignore_errors=True)
        copy_folder(bundle_folder, out / MODEL)
        evaluation_report(bundle, out / REPORT, task.plan.problems)
        write_text(out / OUTCOME, json.dumps({"key": task.key, "model": model.reference, "sha256": model.sha256}))
    logs.event("learn.done", plugin=task.entry.id, model=model.sha256)
    return Learnt(model, bundle, out / REPORT, task.plan.problems)


def _finished(session: Session, task: _Task, out: Path) -> Learnt | None:
    """Return what this very training produced before; refuse when another one's model lies in ``out``."""
    path = out / OUTCOME
    if not path.exists():
        return None
    outcome = json.loads(path.read_text(encoding="utf-8"))
    if outcome["key"] != task.key:
        raise UserError(
            "this folder holds the model of another training, and models are never overwritten",
            code="learn.exists",
            hint="Choose another folder with --out.",
            subject=str(out),
        )
    model = registry.publish(session.home, out / MODEL, outcome["model"].partition("@")[0])
    return Learnt(model, model.open(), out / REPORT, task.plan.problems)
