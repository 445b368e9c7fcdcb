"""The commands of the reading space: menu, shortcuts and palette are made from them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, get_args

from medtransfer.gui.command import Command
from medtransfer.gui.read import structure_commands
from medtransfer.gui.read.regions import Panel
from medtransfer.gui.read.report import Kind
from medtransfer.gui.read.save_panel import FILES
from medtransfer.gui.read.toolbar import LAYOUTS, TOOLS
from medtransfer.work.verdicts import Verdict

if TYPE_CHECKING:
    from medtransfer.gui.read.space import ReadSpace

OF_A_ROW = ("read.state.CT", "read.state.MR", "read.state.nothing", "read.remove")
"""The commands of a row's menu."""
_PANELS: tuple[tuple[Panel, str, str], ...] = (
    ("left", "the list of studies", "F7"),
    ("right", "findings and notices", "F8"),
)
_LAYOUT_KEYS = {"1": "1", "1x2": "2", "2x2": "4"}
_REPORTS: tuple[tuple[Kind, str], ...] = (("html", "Ctrl+S"), ("pdf", "Ctrl+P"))
_VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


def of(space: ReadSpace) -> list[Command]:
    """Return the commands of the reading space."""
    return [*_studies(space), *_statements(space), *_analysis(space), *_viewing(space), *structure_commands.of(space)]


def _studies(space: ReadSpace) -> list[Command]:
    step = space.studies_panel.step
    return [
        Command("read.next", "Next series", "Read", partial(step, 1), "Ctrl+Down", "Show the next series of the list."),
        Command("read.last", "Last series", "Read", partial(step, -1), "Ctrl+Up", "Show the series before this one."),
        Command(
            "read.remove",
            "Remove from the list",
            "Read",
            space.remove_selected,
            "Ctrl+Del",
            "Close this series; its files stay where they are.",
            enabled=space.has_selection,
        ),
        Command(
            "read.remove_all",
            "Remove all from the list",
            "Read",
            space.remove_all,
            help="Close every series; the files stay where they are.",
            enabled=space.has_any,
        ),
    ]


def _statements(space: ReadSpace) -> list[Command]:
    return [
        *[
            Command(
                f"read.state.{modality}",
                f"This is {article} {modality}",
                "Read",
                partial(space.state_modality, modality),
                help="Say what a volume is whose file does not: plug-ins and display follow. It is kept.",
                enabled=space.modality_missing,
                checked=partial(_is_stated, space, modality),
            )
            for article, modality in (("a", "CT"), ("an", "MR"))
        ],
        Command(
            "read.state.nothing",
            "This is neither a CT nor an MR",
            "Read",
            partial(space.state_modality, ""),
            help="Take back what you said; the volume is read as its file describes it.",
            enabled=lambda: bool(space.stated_modality()),
        ),
    ]


def _is_stated(space: ReadSpace, modality: str) -> bool:
    return space.stated_modality() == modality


def _analysis(space: ReadSpace) -> list[Command]:
    has_result: Callable[[], bool] = lambda: space.reading.shown is not None  # noqa: E731 - read three times below
    return [
        Command(
            "read.analyse",
            "Analyse",
            "Read",
            space.analyse,
            "Ctrl+Return",
            "Analyse what is shown with the chosen plug-in and model.",
            enabled=space.can_analyse,
        ),
        Command(
            "read.stop",
            "Stop the analysis",
            "Read",
            space.reading.stop,
            "Ctrl+.",
            "Stop what runs.",
            enabled=lambda: space.reading.busy,
        ),
        *[
            Command(
                f"read.verdict.{verdict}",
                f"Verdict: {verdict}",
                "Read",
                partial(space.result_panel.verdict.press, verdict),
                f"Ctrl+Shift+{place}",
                "Your verdict on the selected finding, kept with the result.",
                enabled=has_result,
            )
            for place, verdict in enumerate(_VERDICTS, 1)
        ],
        *[
            Command(
                f"read.report.{kind}",
                f"Save the report as {kind.upper()}\u2026",
                "Read",
                partial(space.delivering.save_report, kind),
                shortcut,
                "Picture, heat maps, findings, your verdict and how it came about.",
                enabled=has_result,
            )
            for kind, shortcut in _REPORTS
        ],
        *[
            Command(
                f"read.save.{saved_as}",
                f"Save the segmentation as {title}\u2026",
                "Read",
                partial(space.delivering.save_segmentation, saved_as),
                help=f"{tip}.",
                enabled=partial(space.delivering.can_save, saved_as),
            )
            for saved_as, (title, tip) in FILES.items()
        ],
    ]


def _viewing(space: ReadSpace) -> list[Command]:
    viewer = space.viewer
    shown: Callable[[], bool] = lambda: space.reading.image is not None  # noqa: E731 - read many times below
    tools = [
        Command(
            f"read.tool.{tool}", f"{title} tool", "View", partial(viewer.choose_tool, tool), key, tip, enabled=shown
        )
        for tool, title, key, tip in TOOLS
    ]
    layouts = [
        Command(
            f"read.layout.{name}",
            tip,
            "View",
            partial(viewer.choose_layout, name),
            _LAYOUT_KEYS[name],
            tip,
            enabled=shown,
        )
        for name, _title, tip in LAYOUTS
    ]
    panels = [
        Command(
            f"read.panel.{panel}",
            f"Show or hide {what}",
            "View",
            partial(space.regions.toggle, panel),
            key,
            "Leave the picture more room; the edges of the panels can be dragged too.",
            checked=space.regions.panels[panel].isVisible,
        )
        for panel, what, key in _PANELS
    ]
    return [
        *tools,
        *layouts,
        *panels,
        Command("read.invert", "Invert", "View", viewer.invert, "I", "Turn bright into dark.", enabled=shown),
        Command(
            "read.reset", "Reset the view", "View", viewer.reset, "R", "First window, whole picture.", enabled=shown
        ),
        Command(
            "read.overlay",
            "Show or hide the overlay",
            "View",
            viewer.toggle_overlay,
            "O",
            "See the picture as it is, without what was found.",
            enabled=shown,
        ),
        Command(
            "read.undo",
            "Undo",
            "View",
            viewer.undo.undo,
            "Ctrl+Z",
            "Take back a measure, or which structures are shown.",
            viewer.undo.canUndo,
        ),
        Command("read.redo", "Redo", "View", viewer.undo.redo, "Ctrl+Shift+Z", "Do it again.", viewer.undo.canRedo),
    ]
