"""What was found and what to do about it: findings or structures, the heat map, the person's verdict, files of it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from medtransfer.gui import parts, theme
from medtransfer.gui.read.comparing import Comparing
from medtransfer.gui.read.contributions import Contributions
from medtransfer.gui.read.findings import Findings
from medtransfer.gui.read.heatmap_panel import HeatmapPanel
from medtransfer.gui.read.reading import Shown
from medtransfer.gui.read.save_panel import SavePanel
from medtransfer.gui.read.structures import Structures
from medtransfer.gui.read.verdict import VerdictPanel
from medtransfer.gui.read.viewer import HeatmapLook
from medtransfer.gui.settings import Settings
from medtransfer.result.model import Finding, Heatmap, Segmentation, Structure
from medtransfer.work.verdicts import WHOLE, Verdict


class ResultPanel(QWidget):
    """Shows one result.

    Signals: ``overlay_changed`` when the picture is to be drawn anew, ``explain`` (label) when a heat map is wanted
    where there is none, ``judged`` (label, verdict or None), ``jump`` (value of a structure).
    """

    overlay_changed = Signal()
    explain = Signal(str)
    judged = Signal(str, object)
    jump = Signal(int)

    def __init__(self, settings: Settings, undo: QUndoStack) -> None:
        super().__init__()
        self.shown: Shown | None = None
        self.findings = Findings()
        self.heatmaps = HeatmapPanel(settings)
        self.contributions = Contributions()
        self.comparing = Comparing()
        self.structures = Structures(undo)
        self.verdict = VerdictPanel()
        self.saving = SavePanel()
        self._count = parts.heading("")
        self._parts: dict[str, list[QWidget]] = {
            "findings": [_heading("Findings"), self.findings],
            "heatmap": [_heading("Why"), self.heatmaps],
            "comparing": [_heading("Confirmed cases most alike"), self.comparing],
            "contributions": [_heading("What each part said"), self.contributions],
            "structures": [self._headed("Structures", self._count), self.structures],
            "verdict": [_heading("Your verdict"), self.verdict],
            "save": [_heading("Save"), self.saving],
        }
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing())
        for widgets in self._parts.values():
            for widget in widgets:
                column.addWidget(widget)
        self.findings.chosen.connect(self._finding_chosen)
        self.heatmaps.changed.connect(self.overlay_changed)
        self.heatmaps.explain.connect(self._ask_why)
        self.structures.visible_changed.connect(self.overlay_changed)
        self.structures.chosen.connect(self._structure_chosen)
        self.structures.jump.connect(self.jump)
        self.verdict.given.connect(self._judge)
        self.clear()

    def clear(self) -> None:
        """Show nothing."""
        self.shown = None
        self.structures.model.forget()
        self._show_parts()

    def show_result(self, shown: Shown) -> None:
        """Show a result; a finding that was selected before stays selected."""
        before, structure = self.findings.selected(), self.structures.selected()
        self.shown = shown
        segmentation = shown.result.segmentation
        if segmentation is not None:
            found = sum(structure.volume_ml > 0 for structure in segmentation.structures)
            self._count.setText(f"{found} of {len(segmentation.structures)} found")
            self.structures.show_structures(segmentation.structures)
            self.structures.select(structure.label if structure else _explained_first(shown))
        self.findings.show_findings(shown.result.findings, before.label if before else "")
        self._finding_chosen()
        self._show_parts()

    def show_verdicts(self) -> None:
        """Show the person's verdict on what is selected."""
        if self.shown is not None:
            finding = self.findings.selected()
            about = finding.name if finding else "The segmentation"
            self.verdict.show_verdict(self.shown.verdicts.get(self.label), about)

    @property
    def label(self) -> str:
        """The label that is selected, or the one that stands for the result as a whole."""
        finding = self.findings.selected()
        return finding.label if finding else WHOLE

    @property
    def segmentation(self) -> Segmentation | None:
        """The label map of the result."""
        return self.shown.result.segmentation if self.shown else None

    @property
    def asked_about(self) -> Finding | Structure | None:
        """The finding or the structure that is selected: what can be explained."""
        return self.findings.selected() or (self.structures.selected() if self.segmentation else None)

    @property
    def heatmap(self) -> Heatmap | None:
        """The heat map that is chosen of the selected finding or structure."""
        return self.heatmaps.heatmap if self.shown is not None and self.asked_about is not None else None

    def heatmap_look(self) -> HeatmapLook | None:
        """Return the heat map of what is selected as it is to be drawn; None where there is none to be seen."""
        heatmap, about = self.heatmap, self.asked_about
        if heatmap is None or about is None or not self.heatmaps.shown.isChecked():
            return None
        return HeatmapLook(heatmap, about.name, self.heatmaps.opacity.value() / 100.0, self.heatmaps.colour_map)

    def _finding_chosen(self, _label: str = "") -> None:
        self._show_why()
        self._show_parts()
        self.show_verdicts()
        self.overlay_changed.emit()

    def _structure_chosen(self) -> None:
        self._show_why()
        self._show_parts()
        self.overlay_changed.emit()

    def _show_why(self) -> None:
        about = self.asked_about
        if self.shown is not None and about is not None:
            maps = [heatmap for heatmap in self.shown.result.heatmaps if heatmap.info.label == about.label]
            self.heatmaps.offer(self.shown.explainers, self.shown.explainer)
            self.heatmaps.show_for(maps, about.name, can_explain=self.shown.explains)
            self.contributions.show_for(self.findings.selected())
            self.comparing.show_for(self.findings.selected(), self.shown.result.pictures)

    def _ask_why(self) -> None:
        if self.asked_about is not None:
            self.explain.emit(self.asked_about.label)

    def _judge(self, verdict: Verdict | None) -> None:
        self.judged.emit(self.label, verdict)

    def _show_parts(self) -> None:
        result = self.shown.result if self.shown else None
        finding = self.findings.selected() if result is not None else None
        visible = {
            "findings": result is not None and bool(result.findings),
            "heatmap": result is not None and self.asked_about is not None,
            "comparing": bool(finding and finding.similar),
            "contributions": bool(finding and finding.contributions),
            "structures": result is not None and result.segmentation is not None,
            "verdict": result is not None,
            "save": result is not None,
        }
        for name, widgets in self._parts.items():
            for widget in widgets:
                widget.setVisible(visible[name])

    @staticmethod
    def _headed(text: str, figure: QLabel) -> QWidget:
        line = QWidget()
        row = QHBoxLayout(line)
        row.setContentsMargins(0, theme.spacing(), 0, 0)
        row.addWidget(parts.heading(text))
        row.addStretch()
        row.addWidget(figure)
        return line


def _heading(text: str) -> QLabel:
    """Return a heading with room above it, which goes when it is hidden."""
    made = parts.heading(text)
    made.setContentsMargins(0, theme.spacing(), 0, 0)
    return made


def _explained_first(shown: Shown) -> str:
    """Return the label of the first map: a result that was explained opens with what spoke for it."""
    return next((heatmap.info.label for heatmap in shown.result.heatmaps), "")
