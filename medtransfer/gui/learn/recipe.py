"""Second step: how thoroughly to learn, in plain words, with the time that it will probably take here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QLineEdit, QRadioButton, QVBoxLayout

from medtransfer.cohort.model import Cohort
from medtransfer.contract.recipe import PRESETS, Recipe
from medtransfer.errors import UserError
from medtransfer.gui import pages, parts, theme
from medtransfer.gui.background import Job
from medtransfer.gui.context import Context
from medtransfer.gui.learn.trio import TrioChoice
from medtransfer.store.models import check_name
from medtransfer.work import estimates, planning
from medtransfer.work.estimates import Estimate
from medtransfer.work.planning import Examination, Wish
from medtransfer.work.report.numbers import counted

USUAL = "standard"
MEASURING = "Time on this machine: measuring\u2026"


class PresetCard(QFrame):
    """One preset: a radio button, what it does, and how long that takes. A click anywhere chooses it."""

    def __init__(self, name: str, description: str) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.spacing(2), theme.spacing(1.5), theme.spacing(2), theme.spacing(1.5))
        self.radio = QRadioButton(name.capitalize())
        self.radio.setFont(theme.font(15, theme.SEMIBOLD))
        self.time = parts.label(MEASURING, "accent", weight=theme.MEDIUM)
        self._description = parts.label("", "muted")
        column.addWidget(self.radio)
        column.addWidget(self._description)
        column.addWidget(self.time)
        self.describe(description)
        self.radio.toggled.connect(lambda chosen: parts.restyle(self, "kind", "notice" if chosen else "card"))

    def describe(self, description: str) -> None:
        """Say what the preset does: a plug-in may do something else under it than others."""
        self._description.setText(description)
        self.radio.setAccessibleDescription(description)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802, ARG002 - Qt's name and signature
        """Choose this preset."""
        self.radio.setChecked(True)
        self.radio.setFocus()


class RecipePage(pages.Page):
    """The page. ``started`` and ``back`` say what the person chose to do."""

    started = Signal()
    back = Signal()

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._wish: Wish | None = None
        self._asked: Wish | None = None
        self._cohort: Cohort | None = None
        self.cards: dict[str, PresetCard] = {}
        self._group = QButtonGroup(self)
        self.body.addWidget(parts.title("How thoroughly to learn"))
        words = "Standard is the one to start with. You can train again with another choice; nothing is overwritten."
        self.body.addWidget(parts.label(words, "muted"))
        for name in PRESETS:
            card = PresetCard(name, Recipe.preset(name).description)
            self.cards[name] = card
            self._group.addButton(card.radio)
            self.body.addWidget(card)
        self.basis = parts.label("", "muted", theme.SMALL_SIZE)
        self.body.addWidget(self.basis)
        self.trio = TrioChoice()
        self.body.addWidget(self.trio)
        self.trio.changed.connect(self._estimate)
        self.cards[USUAL].radio.setChecked(True)
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the model")
        self.name.setMaxLength(80)
        self.name.textChanged.connect(self._check_name)
        self.name.returnPressed.connect(self._start_if_allowed)
        self.start = parts.button("Start training", self.started.emit, "primary")
        self._trouble = parts.label("", "danger", theme.SMALL_SIZE)
        self._summary = parts.label("", "muted")
        self._fill_side()

    def show_plan(self, wish: Wish, found: Examination, left_out: Sequence[str]) -> None:
        """Offer the presets for these cases, and estimate their time; ``left_out`` names findings not to be learnt."""
        self._wish = wish
        self.name.setText(wish.name)
        cases, labels = len(found.cohort.cases), len(found.cohort.labels)
        without = f" Left out: {', '.join(left_out)}." if left_out else ""
        self._summary.setText(
            f"{counted(cases, 'case')} with {counted(labels, 'finding')}, from {wish.data.name}.{without}"
        )
        self._cohort = found.cohort
        self.trio.hide()
        self._estimate()

    def _estimate(self) -> None:
        """Estimate how long each preset takes with what is chosen besides."""
        wish, cohort, home = self._wish, self._cohort, self._context.home
        if wish is None or cohort is None:
            return
        for card in self.cards.values():
            card.time.setText(MEASURING)
        asked = replace(wish, settings=self.trio.settings())
        self._asked = asked

        def work(_job: Job) -> tuple[dict[str, Recipe], dict[str, Estimate]]:
            _, manifest = planning.learner(home, asked.plugin)
            recipes = {name: planning.recipe_of(replace(asked, recipe=name), manifest) for name in PRESETS}
            return recipes, {
                name: estimates.estimate(home, asked.plugin, recipe, estimates.amount_for(recipe, cohort))
                for name, recipe in recipes.items()
            }

        def show(found: tuple[dict[str, Recipe], dict[str, Estimate]]) -> None:
            if self._asked is not asked:
                return
            recipes, times = found
            plain = asked.settings.get("ensemble") == "none"
            for name, recipe in recipes.items():
                self.cards[name].describe(Recipe.preset(name).description if plain else recipe.description)
            self._show_estimates(times)
            if self.trio.isHidden() and not cohort.structures:
                self.trio.offer(recipes[USUAL])
                self.trio.show()

        self._context.background.run("Estimating the time of training", work, show)

    def recipe(self) -> str:
        """Return the name of the chosen preset."""
        return next(name for name, card in self.cards.items() if card.radio.isChecked())

    def _fill_side(self) -> None:
        self.side.addWidget(parts.heading("Cases"))
        self.side.addWidget(self._summary)
        self.side.addSpacing(theme.spacing(1))
        self.side.addWidget(parts.heading("Name of the model"))
        self.side.addWidget(self.name)
        self.side.addWidget(self._trouble)
        self.side.addSpacing(theme.spacing(1))
        self.side.addWidget(self.start)
        self.side.addWidget(parts.button("Back", self.back.emit))
        self.side.addStretch(1)

    def _show_estimates(self, found: Mapping[str, Estimate]) -> None:
        for name, estimate in found.items():
            self.cards[name].time.setText(f"About {span(estimate.low, estimate.high)} on this machine")
        earlier = [name for name, estimate in found.items() if estimate.basis == "earlier"]
        said = f"; {', '.join(earlier)}: from earlier trainings here" if earlier else ""
        self.basis.setText(f"Estimates from the speed of this machine's processor{said}. A graphics card is faster.")

    def _check_name(self, name: str) -> None:
        try:
            check_name(name)
        except UserError as error:
            self._trouble.setText(error.hint)
            self.start.setEnabled(False)
        else:
            self._trouble.setText("")
            self.start.setEnabled(True)
        self._trouble.setVisible(bool(self._trouble.text()))

    def _start_if_allowed(self) -> None:
        if self.start.isEnabled():
            self.started.emit()


def span(low: float, high: float) -> str:
    """Return two numbers of seconds as people say them: ``"3 to 9 minutes"``, ``"40 seconds to 2 minutes"``."""
    first, last = _said(low), _said(high)
    if first == last:
        return last
    number, _, unit = first.partition(" ")
    return f"{number} to {last}" if last.endswith((unit, f"{unit}s")) else f"{first} to {last}"


def _said(seconds: float) -> str:
    """Return a time as roughly as it is known: to ten seconds, a minute or half an hour."""
    if seconds < 50:
        return f"{max(round(seconds / 10), 1) * 10} seconds"
    if seconds < 5400:
        minutes = max(round(seconds / 60), 1)
        return f"{minutes} minute{'' if minutes == 1 else 's'}"
    return f"{round(seconds / 1800) / 2:g} hours"
