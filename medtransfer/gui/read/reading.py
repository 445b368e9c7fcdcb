"""What is being read: the series that is shown, what can answer for it, and what was found in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from medtransfer.contract import explainers
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.explainers import Explainer
from medtransfer.contract.requests import QUALITIES, Quality
from medtransfer.errors import MedTransferError
from medtransfer.gui.background import Background, Job, State
from medtransfer.gui.read.service import AnalysisService
from medtransfer.gui.read.studies import Entry
from medtransfer.gui.read.thumbnail import thumbnail
from medtransfer.gui.settings import Settings
from medtransfer.result import reading
from medtransfer.result.model import Result
from medtransfer.store.home import Home
from medtransfer.study.model import Image
from medtransfer.work import choices, verdicts
from medtransfer.work.analyse import Analysed
from medtransfer.work.analyser import Options
from medtransfer.work.choices import Choice
from medtransfer.work.verdicts import Verdict


@dataclass(frozen=True, eq=False)
class Shown:
    """A result as it is shown: where it lies, the model that answered if it is at hand, and the person's verdicts."""

    folder: Path
    result: Result
    bundle: ModelBundle | None
    explains: bool
    verdicts: dict[str, Verdict]

    @property
    def quality(self) -> Quality:
        """How a volume was segmented."""
        stated = self.result.passport.parameters.get("quality")
        return next((quality for quality in QUALITIES if quality == stated), "full")

    @property
    def explainer(self) -> Explainer:
        """How its maps were made."""
        return explainers.stated(self.result.passport.parameters)

    @property
    def explainers(self) -> tuple[Explainer, ...]:
        """How maps of its model can be made, as far as the model is at hand."""
        return explainers.of_network(self.bundle.card.backbone) if self.bundle is not None else (self.explainer,)


class Reading(QObject):
    """Loads, analyses and judges one series after the other; answers for a series that was left are dropped.

    Signals: ``loading`` (job), ``drawn`` (entry, thumbnail; also for a series that was left meanwhile), ``loaded``
    (entry, image), ``unreadable`` (entry, error), ``offered`` (list of Choice), ``analysing`` (job), ``ended`` when an
    analysis is over, ``failed`` (error), ``answered`` (Shown), ``judged`` (verdicts by label), ``cleared``.
    """

    loading = Signal(object)
    drawn = Signal(object, QImage)
    loaded = Signal(object, object)
    unreadable = Signal(object, object)
    offered = Signal(list)
    analysing = Signal(object)
    ended = Signal()
    failed = Signal(object)
    answered = Signal(object)
    judged = Signal(dict)
    cleared = Signal()

    def __init__(self, home: Home, settings: Settings, background: Background) -> None:
        super().__init__()
        self._home = home
        self._background = background
        self._service = AnalysisService(home, settings)
        self._choices: list[Choice] = []
        self._analysis: Job | None = None
        self.folders: dict[str, Path] = {}
        """The latest result of each series by its uid."""
        self.entry: Entry | None = None
        self.image: Image | None = None
        self.shown: Shown | None = None

    @property
    def busy(self) -> bool:
        """Whether an analysis runs."""
        return self._analysis is not None and self._analysis.state is State.RUNNING

    def show(self, entry: Entry) -> None:
        """Read a series' pixels and ask what can analyse it."""
        self.entry, self.image, self.shown = entry, None, None
        job = self._background.run(
            "Reading pixels",
            lambda _job: _load(entry),
            lambda answer: self._take_image(entry, *answer),
            lambda error: self._refuse(entry, error),
        )
        self.loading.emit(job)
        self.ask()

    def ask(self) -> None:
        """Ask again what can analyse the series."""
        entry = self.entry
        if entry is not None:
            self._background.run(
                "Looking for plug-ins",
                lambda _job: choices.choices(self._home, entry.series),
                lambda found: self._offer(entry, found),
                self.failed.emit,
            )

    def clear(self) -> None:
        """Show nothing."""
        self.entry, self.image, self.shown = None, None, None
        self.cleared.emit()

    def analyse(
        self,
        plugin: str,
        model: str,
        explain: Sequence[str] = ("positive",),
        quality: Quality = "full",
        explainer: Explainer = "gradcam",
    ) -> None:
        """Analyse what is shown."""
        entry, image = self.entry, self.image
        if entry is None or image is None or self.busy:
            return
        options = Options(
            plugin=plugin,
            model=model,
            explain=tuple(explain),
            formats=("json", "csv"),
            quality=quality,
            explainer=explainer,
        )
        names, paths = entry.series.source.names, entry.paths
        self._analysis = self._background.run(
            "Analysing",
            lambda job: self._complete(self._service.analyse(job, image, names, paths, options)),
            lambda shown: self._take_result(entry, shown),
            lambda error: self._give_up(entry, error),
        )
        self.analysing.emit(self._analysis)

    def stop(self) -> None:
        """Stop the analysis."""
        if self._analysis is not None:
            self._analysis.cancel()

    def load_result(self, entry: Entry, folder: Path) -> None:
        """Show a result that was made before."""
        self.folders[entry.series.uid] = folder
        self._background.run(
            "Reading a result",
            lambda _job: self._assemble(folder, reading.read(folder)),
            lambda shown: self._take_result(entry, shown),
            self.failed.emit,
        )

    def judge(self, label: str, verdict: Verdict | None) -> None:
        """Keep the person's verdict on one label of the result that is shown."""
        shown = self.shown
        if shown is not None:
            self._background.run(
                "Keeping your verdict",
                lambda _job: verdicts.judge(self._home, shown.folder, label, verdict),
                lambda kept: self._keep_verdicts(shown, kept),
                self.failed.emit,
            )

    def renew(self) -> None:
        """Ask again and start workers anew, because plug-ins were changed."""
        self._service.renew()
        self.ask()

    def close(self) -> None:
        """End the workers; called once, when the window closes."""
        self._service.close()

    def _take_image(self, entry: Entry, image: Image, small: QImage) -> None:
        self.drawn.emit(entry, small)
        if entry is not self.entry:
            return
        self.image = image
        self.loaded.emit(entry, image)
        folder = self.folders.get(entry.series.uid)
        if folder is not None:
            self.load_result(entry, folder)

    def _refuse(self, entry: Entry, error: MedTransferError) -> None:
        if entry is self.entry:
            self.unreadable.emit(entry, error)

    def _offer(self, entry: Entry, found: list[Choice]) -> None:
        if entry is self.entry:
            self._choices = found
            self.offered.emit(found)

    def _complete(self, analysed: Analysed) -> Shown:
        return self._assemble(analysed.folder, analysed.result)

    def _assemble(self, folder: Path, result: Result) -> Shown:
        found = list(self._choices)
        bundles = [model.bundle for choice in found for model in choice.models if model.bundle is not None]
        bundle = next((bundle for bundle in bundles if bundle.sha256 == result.passport.model_sha256), None)
        manifest = next((choice.manifest for choice in found if choice.plugin == result.passport.plugin), None)
        explains = manifest is not None and manifest.can.explain
        return Shown(folder, result, bundle, explains, verdicts.of_result(self._home, folder))

    def _take_result(self, entry: Entry, shown: Shown) -> None:
        self.folders[entry.series.uid] = shown.folder
        self.ended.emit()
        if entry is self.entry and self.image is not None:
            self.shown = shown
            self.answered.emit(shown)

    def _give_up(self, entry: Entry, error: MedTransferError) -> None:
        self.ended.emit()
        if entry is self.entry:
            self.failed.emit(error)

    def _keep_verdicts(self, shown: Shown, kept: dict[str, Verdict]) -> None:
        shown.verdicts.clear()
        shown.verdicts.update(kept)
        if shown is self.shown:
            self.judged.emit(kept)


def _load(entry: Entry) -> tuple[Image, QImage]:
    image = entry.series.image()
    return image, thumbnail(image)
