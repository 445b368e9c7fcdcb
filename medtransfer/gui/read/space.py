"""The reading space: its three regions, and what happens in one when something is done in another."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QWidget

from medtransfer.errors import MedTransferError
from medtransfer.gui.background import Job
from medtransfer.gui.canvas.grid import Layout
from medtransfer.gui.context import Context
from medtransfer.gui.read import commands, context_menu, notices, structure_commands, words
from medtransfer.gui.read.card import CardDialog
from medtransfer.gui.read.delivering import Delivering
from medtransfer.gui.read.landmark import landmark
from medtransfer.gui.read.opening import Opener
from medtransfer.gui.read.reading import Reading, Shown
from medtransfer.gui.read.regions import Regions
from medtransfer.gui.read.statements import Statements
from medtransfer.gui.read.structures import Structures
from medtransfer.gui.read.studies import Entry, Role, StudiesModel
from medtransfer.gui.read.watch import Watch
from medtransfer.gui.search import Hit
from medtransfer.result.model import Segmentation
from medtransfer.study.model import Image, Level
from medtransfer.work import opening
from medtransfer.work.choices import Choice
from medtransfer.work.report import numbers
from medtransfer.work.verdicts import Verdict

if TYPE_CHECKING:
    from medtransfer.result.importing import Imported
    from medtransfer.study.annotation import Annotation

_STOPPED = "job.cancelled"


class ReadSpace:
    """Read a study, see why, say whether it is right.

    Parameters
    ----------
    context
        What all parts of the window share.
    regions
        The panels, which take longest to build: see :func:`pieces`.
    """

    id = "read"
    title = "Read"

    def __init__(self, context: Context, regions: Regions) -> None:
        self._context = context
        self._wanted_uid = ""
        self.regions = regions
        self.studies = regions.studies.model
        self.opener = Opener(context.home, context.background, self.studies)
        self.reading = Reading(context.home, context.settings, context.background)
        self.reading.setParent(regions)  # it goes with what it is shown in, and hears of no answer afterwards
        self.studies_panel, self.viewer, self.centre = self.regions.studies, self.regions.viewer, self.regions.centre
        self.analyse_panel, self.result_panel = self.regions.analyse, self.regions.result
        self.notices, self.drawn = self.regions.notices, self.regions.drawn
        self.delivering = Delivering(context, self.reading, self.viewer, self.result_panel.saving)
        self.watch = Watch()
        self._connect_events()
        self._connect_studies()
        self._connect_reading()
        self._connect_right()
        context.commands.add(*commands.of(self))
        context.search.add(self._hits)
        self._show_start()

    def widget(self) -> QWidget:
        """See :class:`medtransfer.gui.context.Space`."""
        return self.regions

    def state(self) -> dict[str, object]:
        """See :class:`medtransfer.gui.context.Space`."""
        entry = self.reading.entry
        return {
            "paths": [str(path) for path in self.opener.opened],
            "series": entry.series.uid if entry else self._wanted_uid,
            "results": {uid: str(folder) for uid, folder in self.reading.folders.items()},
            "layout": self.viewer.layout_name,
            "regions": self.regions.state(),
            "modalities": self.studies.statements.state(),
        }

    def restore(self, state: dict[str, object]) -> None:
        """See :class:`medtransfer.gui.context.Space`."""
        results = state.get("results")
        if isinstance(results, dict):
            self.reading.folders.update({str(uid): Path(str(folder)) for uid, folder in results.items()})
        self.regions.restore(state.get("regions"))
        self.studies.statements.restore(state.get("modalities"))
        if state.get("layout") in set(Layout):
            self.viewer.choose_layout(str(state["layout"]))
        self._wanted_uid = str(state.get("series", ""))
        paths = state.get("paths")
        if isinstance(paths, list) and paths:
            self.open([Path(str(path)) for path in paths])

    def may_close(self) -> bool:
        """Let the window close: an analysis is quickly done again, and everything else is kept."""
        return True

    def close(self) -> None:
        """End the workers."""
        self.reading.close()

    # What commands do

    def open(self, paths: Sequence[Path]) -> None:
        """Open files and folders."""
        self.opener.open(paths)

    def analyse(self) -> None:
        """Analyse with what is chosen."""
        chosen = self.analyse_panel.chosen
        if chosen is not None:
            quality = self.analyse_panel.quality.value
            self.reading.analyse(chosen[0].plugin, chosen[1].reference, quality=quality)

    def can_analyse(self) -> bool:
        """Whether an analysis could start."""
        return self.analyse_panel.chosen is not None and self.reading.image is not None and not self.reading.busy

    def has_selection(self) -> bool:
        """Whether a row of the study list is selected."""
        return self.studies_panel.view.currentIndex().isValid()

    def modality_missing(self) -> bool:
        """Whether the file of the selected series leaves it open what it is."""
        entry = self.studies_panel.selected()
        return entry is not None and Statements.wanted_for(entry.found)

    def stated_modality(self) -> str:
        """Return what the selected series was stated to be, empty where nothing was said."""
        entry = self.studies_panel.selected()
        return self.studies.statements.of(entry.found) if entry is not None else ""

    def state_modality(self, modality: str) -> None:
        """Read the selected series as a CT or an MR, with an empty text as its file; what was found so far is put away.

        Its results stay in their folders.
        """
        entry = self.studies_panel.selected()
        if entry is None or not Statements.wanted_for(entry.found):
            return
        self.studies.state_modality(entry, modality)
        self.reading.folders.pop(entry.series.uid, None)
        self._begin(entry)

    @property
    def structures(self) -> Structures | None:
        """The list of what is drawn over the picture: from the files if chosen, else from an analysis."""
        if self.drawn.segmentation is not None:
            return self.drawn.structures
        return self.result_panel.structures if self.result_panel.segmentation is not None else None

    def has_any(self) -> bool:
        """Whether anything is open."""
        return self.studies.rowCount() > 0

    def remove_selected(self) -> None:
        """Take the selected row off the list, and off the screen if it is shown."""
        index = self.studies_panel.view.currentIndex()
        entry = self.studies_panel.selected()
        if entry is not None:
            self.opener.forget(entry)
            self.reading.folders.pop(entry.series.uid, None)
            if entry is self.reading.entry:
                self.reading.clear()
        self.studies.remove(index)

    def remove_all(self) -> None:
        """Close everything."""
        self.opener.forget_all()
        self.studies.clear()
        self.reading.folders.clear()
        self.reading.clear()

    # What leads to what

    def _show_start(self) -> None:
        self.regions.show_start(has_demo=any(command.id == "window.demo" for command in self._context.commands))

    def _connect_events(self) -> None:
        events = self._context.events
        events.open_paths.connect(self.open)
        events.show_result.connect(self._show_result)
        events.models_changed.connect(self.reading.ask)
        events.plugins_changed.connect(self.reading.renew)
        events.theme_changed.connect(self.viewer.repaint_all)
        self.viewer.cursor_said.connect(events.cursor)
        run = self._context.commands.run
        self.centre.open_files.connect(lambda: run("window.open"))
        self.centre.open_folder.connect(lambda: run("window.open_folder"))
        self.centre.demo.connect(lambda: run("window.demo"))
        app = QApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.close)

    def _connect_studies(self) -> None:
        self.opener.started.connect(self.studies_panel.waiting.follow)
        self.opener.arrived.connect(self._arrived)
        self.opener.finished.connect(self._opened)
        self.studies_panel.chosen.connect(self._choose)
        self.studies_panel.left.connect(self._show_notices)
        self.studies_panel.menu_wanted.connect(self._open_menu)
        self.studies_panel.add.connect(lambda: self._context.commands.run("window.open"))
        self.watch.gone.connect(self._files_gone)

    def _connect_reading(self) -> None:
        reading = self.reading
        reading.loading.connect(self.centre.show_reading)
        reading.drawn.connect(lambda entry, small: self.studies.set_thumbnail(entry.series.uid, small))
        reading.loaded.connect(self._loaded)
        reading.unreadable.connect(self._refused)
        reading.offered.connect(self._offered)
        reading.analysing.connect(self._analysing)
        reading.ended.connect(self.analyse_panel.show_ended)
        reading.failed.connect(self._analysis_failed)
        reading.answered.connect(self._answered)
        reading.judged.connect(lambda _verdicts: self.result_panel.show_verdicts())
        reading.cleared.connect(self._show_start)
        self.centre.again.connect(self._show_again)
        self.centre.remove.connect(self.remove_selected)

    def _connect_right(self) -> None:
        self.notices.wanted.connect(self._context.commands.run)
        self.analyse_panel.start.connect(self.analyse)
        self.analyse_panel.card_wanted.connect(self._show_card)
        self.analyse_panel.go.connect(self._context.events.show_space)
        panel = self.result_panel
        panel.overlay_changed.connect(self._draw_overlay)
        panel.explain.connect(self._explain)
        panel.judged.connect(self._judge)
        panel.jump.connect(lambda value: self._jump(panel.segmentation, value))
        for listed in (panel.structures, self.drawn.structures):
            listed.menu_wanted.connect(partial(self._open_structure_menu, listed))
        self.drawn.wanted.connect(self._read_drawn)
        self.drawn.overlay_changed.connect(self._draw_overlay)
        self.drawn.jump.connect(lambda value: self._jump(self.drawn.segmentation, value))

    def _arrived(self, entries: list[Entry]) -> None:
        wanted = next((entry for entry in entries if entry.series.uid == self._wanted_uid), None)
        if wanted is not None:
            self._wanted_uid = ""
            self.studies_panel.select(wanted)
        elif self.reading.entry is None and not self._wanted_uid:
            self.studies_panel.select(entries[0])

    def _opened(self) -> None:
        self._wanted_uid = ""
        first = next(self.studies.entries(), None)
        if self.reading.entry is None and first is not None:
            self.studies_panel.select(first)
        self._offer_drawn()

    def _offer_drawn(self) -> None:
        image = self.reading.image
        self.drawn.offer([] if image is None else self.studies.annotations_on(image))

    def _read_drawn(self, annotation: Annotation) -> None:
        image, entry = self.reading.image, self.reading.entry
        if image is not None and entry is not None:
            self._context.background.run(
                "Reading a segmentation",
                lambda _job: _read_on(annotation, image),
                lambda imported: self._show_drawn(entry, annotation, imported),
                self._drawn_failed,
            )

    def _show_drawn(self, entry: Entry, annotation: Annotation, imported: Imported) -> None:
        if entry is self.reading.entry:
            self.drawn.show_read(annotation, imported)
            self._show_notices()

    def _drawn_failed(self, error: MedTransferError) -> None:
        self.drawn.put_away()
        self._failed(error)

    def _choose(self, entry: Entry) -> None:
        if entry is self.reading.entry:
            self._show_notices()
        else:
            self._begin(entry)

    def _begin(self, entry: Entry) -> None:
        self.result_panel.clear()
        self.drawn.offer([])
        self.analyse_panel.show_nothing()
        self.viewer.clear()
        self.opener.leave_out(entry)
        self.reading.show(entry)
        self._show_notices()

    def _open_menu(self, place: QPoint) -> None:
        context_menu.opened(self._context.commands, commands.OF_A_ROW, self.studies_panel.view, place)

    def _open_structure_menu(self, listed: Structures, place: QPoint) -> None:
        if listed is self.structures:
            context_menu.opened(self._context.commands, structure_commands.OF_A_STRUCTURE, listed.view, place)

    def _show_notices(self) -> None:
        """Show what is to be known of the selected file, of what is drawn and of the series."""
        entry, shown = self.reading.entry, self.reading.shown
        said = notices.of_problem(*self.studies_panel.problem())
        if self.drawn.shown is not None:
            said += notices.of_result(self.drawn.shown.notices)
        if shown is not None:
            said += notices.of_result(shown.result.notices)
        if entry is not None:
            refused = self.centre.in_trouble
            said += notices.of_checks([check for check in entry.checks if not (refused and check.level is Level.ERROR)])
        self.notices.show_notices(said)

    def _show_again(self) -> None:
        if self.reading.entry is not None:
            self.reading.show(self.reading.entry)

    def _loaded(self, entry: Entry, image: Image) -> None:
        self.studies.set_checks(entry.series.uid, image.checks)
        self.viewer.show_image(image, self._caption(entry))
        self.centre.show_viewer()
        self._show_notices()
        self.watch.set_paths(entry.paths)
        self._offer_drawn()

    def _refused(self, entry: Entry, error: MedTransferError) -> None:
        self.studies.set_broken(entry.series.uid, error)
        self.analyse_panel.show_nothing()
        self.centre.show_trouble(error)
        self._show_notices()

    def _offered(self, found: list[Choice]) -> None:
        entry = self.reading.entry
        if entry is not None and entry.series.usable:
            self.analyse_panel.show_choices(found)

    def _analysing(self, job: Job) -> None:
        self.analyse_panel.show_running(job)

    def _analysis_failed(self, error: MedTransferError) -> None:
        if error.code == _STOPPED:
            self._context.events.message.emit("The analysis was stopped.")
            return
        self.analyse_panel.trouble.show_error("No answer", error, ("Try again", self.analyse))

    def _answered(self, shown: Shown) -> None:
        passport = shown.result.passport
        self._context.events.device.emit(f"{passport.device.upper()}{words.DOT}{numbers.computed_by(passport)}")
        self.drawn.put_away()
        self.result_panel.show_result(shown)
        self.delivering.offer()
        self._show_notices()

    def _draw_overlay(self) -> None:
        """Draw what was chosen from the files, else what an analysis found."""
        panel = self.result_panel
        if self.reading.image is None:
            self.viewer.show_heatmap(None)
            self.viewer.show_segmentation(None, ())
            return
        self.viewer.show_heatmap(panel.heatmap_look())
        self.viewer.show_segmentation(
            self.drawn.segmentation or panel.segmentation,
            self.structures.model.visible_values() if self.structures is not None else (),
        )

    def _explain(self, label: str) -> None:
        shown = self.reading.shown
        chosen = self.analyse_panel.chosen
        if shown is not None and chosen is not None:
            explained = [heatmap.info.label for heatmap in shown.result.heatmaps]
            wanted, how = [*explained, label], self.result_panel.heatmaps.explainer
            self.reading.analyse(chosen[0].plugin, chosen[1].reference, wanted, shown.quality, how)

    def _judge(self, label: str, verdict: Verdict | None) -> None:
        self.reading.judge(label, verdict)

    def _jump(self, segmentation: Segmentation | None, value: int) -> None:
        if segmentation is not None:
            array = segmentation.array
            self._context.background.run(
                "Finding a structure", lambda _job: landmark(array, value), self.viewer.go_to, self._failed
            )

    def _show_card(self) -> None:
        chosen = self.analyse_panel.chosen
        if chosen is not None:
            CardDialog(*chosen, parent=self.widget()).show()

    def _failed(self, error: MedTransferError) -> None:
        self.analyse_panel.trouble.show_error("That did not work", error)

    def _files_gone(self) -> None:
        entry = self.reading.entry
        if entry is not None:
            self.studies.set_checks(entry.series.uid, self.watch.noted(entry.checks))
            self._show_notices()

    def _show_result(self, folder: Path) -> None:
        self._context.background.run(
            "Looking for the picture of a result",
            lambda _job: opening.source_of(self._context.home, folder),
            lambda found: self._open_for_result(found, folder),
            self._failed,
        )

    def _open_for_result(self, found: opening.Origin, folder: Path) -> None:
        self.reading.folders[found.series_uid] = folder
        known = self.studies.index_of(found.series_uid)
        if known.isValid():
            entry: Entry = known.data(Role.ENTRY)
            otherwise = self.studies.statements.of(entry.found) != found.modality
            if otherwise:
                self.studies.state_modality(entry, found.modality)
            if otherwise and entry is self.reading.entry:
                self._begin(entry)
            elif entry is self.reading.entry and self.reading.image is not None:
                self.reading.load_result(entry, folder)
            else:
                self.studies_panel.select(entry)
            return
        self.studies.statements.say(found.series_uid, found.modality)
        self._wanted_uid = found.series_uid
        self.open(found.paths)

    def _caption(self, entry: Entry) -> list[str]:
        head = words.DOT.join(filter(None, (words.patient(entry.study), words.series_title(entry.series))))
        serious = [check.message for check in words.worst_first(entry.checks) if check.level is not Level.INFO]
        return [head, *serious[:1]]

    def _hits(self) -> list[Hit]:
        return [
            Hit(
                "Study",
                words.series_title(entry.series),
                words.DOT.join(filter(None, (words.patient(entry.study), words.series_detail(entry.series)))),
                partial(self._go_to, entry),
            )
            for entry in self.studies.entries()
        ]

    def _go_to(self, entry: Entry) -> None:
        self._context.events.show_space.emit(self.id)
        self.studies_panel.select(entry)


def pieces(context: Context) -> Generator[None, None, ReadSpace]:
    """Build the reading space, a panel up to each ``yield``."""
    regions = yield from Regions.pieces(StudiesModel(), context.settings)
    yield
    return ReadSpace(context, regions)


def _read_on(annotation: Annotation, image: Image) -> Imported:
    from medtransfer.result.importing import read_on  # pydicom: the window starts without it

    return read_on(annotation, image)
