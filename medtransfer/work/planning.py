"""What is settled before a training starts: the cases, what is wrong with them, the split and the recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from medtransfer import cohort
from medtransfer.cohort import checks, masks, selection
from medtransfer.cohort.checks import NOTHING_KNOWN, Look
from medtransfer.cohort.model import Cohort, Problem
from medtransfer.cohort.splitting import FrozenSplit
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.manifest import Manifest
from medtransfer.contract.recipe import PRESETS, Recipe
from medtransfer.errors import DataError, UserError
from medtransfer.hosting.catalogue import PluginEntry
from medtransfer.store.home import Home
from medtransfer.work import encoders, models
from medtransfer.work.session import Session, usable

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
    label that the data have, of a published data set what :func:`usual_labels` says. ``parent`` is a published model to
    start from, whose test set is kept, or the folder of a pretraining.
    """

    plugin: str
    data: Path
    recipe: str = "standard"
    name: str = ""
    labels: tuple[str, ...] = ()
    parent: str = ""
    settings: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Examination:
    """What a look at the cases found. ``split`` is None while errors among ``problems`` stand in its way.

    ``looks`` is what the images showed, by case key: the same cases with other labels need not be opened again.
    """

    cohort: Cohort
    problems: tuple[Problem, ...]
    split: FrozenSplit | None
    looks: Mapping[str, Look] = field(default_factory=dict)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What must be mended before anything can be trained."""
        return tuple(problem for problem in self.problems if problem.level == "error")


@dataclass(frozen=True)
class Plan:
    """Everything that is settled before training starts, for the person to look at.

    ``keeps`` are labels of the model to start from to which those of the cohort are added.
    """

    cohort: Cohort
    problems: tuple[Problem, ...]
    split: FrozenSplit
    recipe: Recipe
    keeps: tuple[str, ...] = ()


def learner(home: Home, plugin_id: str) -> tuple[PluginEntry, Manifest]:
    """Return a plug-in that can learn, with its manifest.

    Raises
    ------
    UserError, PluginError
        When there is no such plug-in, it cannot be used, or it cannot learn.
    """
    entry, manifest = usable(home, plugin_id)
    if not manifest.can.learn:
        raise UserError("this plug-in cannot learn", code="plugin.verb", hint="Choose another one.", subject=entry.id)
    return entry, manifest


def recipe_of(wish: Wish, manifest: Manifest) -> Recipe:
    """Return the recipe with what the plug-in changes in that preset, and then with the person's own settings.

    A plug-in may also have recipes of other names than the presets'.

    Raises
    ------
    DataError, UserError
        When there is no such recipe, or a setting is not acceptable.
    """
    own = manifest.recipes.get(wish.recipe, {})
    recipe = Recipe(name=wish.recipe) if own and wish.recipe not in PRESETS else Recipe.resolve(wish.recipe)
    return recipe.changed({**own, **wish.settings})


def parent_of(home: Home, entry: PluginEntry, wish: Wish) -> ModelBundle | None:
    """Return the model, or encoder, that the training starts from; None when it starts from the plug-in's weights.

    Where nothing is asked for, the encoder that comes with the plug-in is what it starts from.
    """
    if not wish.parent:
        return encoders.shipped(entry, recipe_of(wish, usable(home, entry.id)[1]))
    return encoders.encoder_in(Path(wish.parent), entry) or models.choose(home, entry, wish.parent).bundle


def split_file(home: Home, bundle: ModelBundle) -> Path:
    """Return where the store keeps the split that a model was tested with."""
    return home.splits / f"{bundle.sha256}.json"


def examine(session: Session, wish: Wish, known: Mapping[str, Look] = NOTHING_KNOWN) -> Examination:
    """Read the cases, open every image, and split by patient if nothing is wrong with them.

    Parameters
    ----------
    session
        The store, and whom to tell about progress.
    wish
        What to learn from.
    known
        What images showed at an earlier examination; these are not opened again.

    Raises
    ------
    MedTransferError
        When there is nothing to look at: no such plug-in, recipe or model, a table that cannot be read, labels that
        the plug-in does not know, too few patients, or the person wishes to stop.
    """
    entry, manifest = learner(session.home, wish.plugin)
    recipe = recipe_of(wish, manifest)
    parent = parent_of(session.home, entry, wish)
    session.on_progress("reading the table", None, {})
    read = cohort.read(wish.data, list(wish.labels) or None, recipe.uncertain)
    _refuse_other_task(read, manifest)
    _refuse_several(read, manifest)

    def examined(cases: Cohort, known: Mapping[str, Look]) -> Examination:
        refuse_unknown_labels(cases, manifest)
        return _examination(session, cases, recipe, parent, known)

    if wish.labels or not read.source:
        return examined(read, known)
    return _of_usual_labels(read, usual_labels(read, manifest), examined, known)


def usual_labels(read: Cohort, manifest: Manifest) -> tuple[str, ...]:
    """Return the labels that are learnt unless a person names others.

    Of a table those are all: somebody made its columns for this. A published data set has dozens, of which some are on
    a single picture: those that the plug-in names, of which there are enough patients, else all with enough patients.
    """
    if not read.source:
        return read.labels
    enough = selection.learnable(read)
    named = tuple(label for label in enough if manifest.label(label))
    return named or enough or read.labels


def settle(session: Session, wish: Wish, examination: Examination) -> Plan:
    """Join what was found with the recipe; errors that the split brought to light are still among the problems.

    Raises
    ------
    DataError
        When there are errors that no split can be made with.
    """
    if examination.split is None:
        refuse_errors(examination.problems)
        raise ValueError("an examination without errors has a split")
    _, manifest = learner(session.home, wish.plugin)
    return Plan(examination.cohort, examination.problems, examination.split, recipe_of(wish, manifest))


def refuse_errors(problems: tuple[Problem, ...]) -> None:
    """Raise the first error among the problems.

    Raises
    ------
    DataError
        With the rows that it concerns and how many errors there are besides.
    """
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


def _examination(
    session: Session, read: Cohort, recipe: Recipe, parent: ModelBundle | None, known: Mapping[str, Look]
) -> Examination:
    """Open every image of a cohort, and split it if nothing is wrong with it."""

    def tell(done: int, total: int) -> None:
        session.check()
        session.on_progress("checking the images", done / max(total, 1), {})

    looks = checks.look(read, tell, known)
    examination = Examination(read, checks.judge(read, looks), None, looks)
    if examination.errors:
        return examination
    read = masks.with_presence(read, {key: look.values for key, look in looks.items()})
    previous = previous_split(session.home, parent)
    unknown = (_UNKNOWN_SPLIT,) if parent is not None and previous is None else ()
    split = FrozenSplit.make(read, recipe.validation_share, recipe.test_share, recipe.seed, previous)
    found = (*examination.problems, *unknown, *checks.inspect_split(read, split.partitions))
    return Examination(read, found, split, looks)


def _of_usual_labels(
    read: Cohort,
    usual: tuple[str, ...],
    examined: Callable[[Cohort, Mapping[str, Look]], Examination],
    known: Mapping[str, Look],
) -> Examination:
    """Examine a published data set with its usual labels, without those of which a part of the split has too few."""
    found = examined(selection.with_labels(read, usual), known)
    while refused := {problem.label for problem in found.errors if problem.label}.intersection(usual):
        usual = tuple(label for label in usual if label not in refused)
        if not usual:
            return found
        found = examined(selection.with_labels(read, usual), found.looks)
    others = [label for label in read.labels if label not in usual]
    if not others:
        return found
    note = Problem(
        "published.labels",
        "info",
        f"learnt are {', '.join(usual)}; the data set also has {', '.join(others)}",
        "To learn others, name them with `--label`.",
    )
    return replace(found, problems=(*found.problems, note))


def refuse_unknown_labels(cohort: Cohort, manifest: Manifest) -> None:
    """Raise where a plug-in cannot learn labels that it does not name.

    Raises
    ------
    DataError
        ``cohort.unknown-labels``.
    """
    unknown = [label for label in cohort.labels if manifest.label(label) is None]
    if unknown and not manifest.task.open_labels:
        raise DataError(
            f"the plug-in does not know the labels {', '.join(unknown)}",
            code="cohort.unknown-labels",
            hint=f"It knows {', '.join(label.id for label in manifest.task.labels)}: rename the columns, or leave these"
            " out.",
        )


def _refuse_several(cohort: Cohort, manifest: Manifest) -> None:
    if manifest.input.companions or not any(case.further for case in cohort.cases):
        return
    raise DataError(
        "this plug-in learns from one image of each case, and the table has more: the columns image_2 and so on",
        code="cohort.several-images",
        hint="Take these columns out of the table, or choose another plug-in.",
    )


def _refuse_other_task(cohort: Cohort, manifest: Manifest) -> None:
    segments = manifest.task.kind == "segmentation"
    if segments == bool(cohort.structures):
        return
    needed = "a mask for each image, with structures.csv beside the table" if segments else "answers of yes or no"
    raise DataError(
        f"this plug-in learns from {needed}",
        code="cohort.other-task",
        hint="Choose another plug-in, or another table.",
    )


def previous_split(home: Home, parent: ModelBundle | None) -> FrozenSplit | None:
    """Return the split that the parent was tested with, so that its test cases stay unseen."""
    if parent is None:
        return None
    path = split_file(home, parent)
    return FrozenSplit.load(path) if path.exists() else None
