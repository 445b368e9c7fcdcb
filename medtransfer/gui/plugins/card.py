"""One plug-in on a page: what it is for and not for, what it takes and answers, what it may do."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from medtransfer.contract.manifest import Manifest
from medtransfer.gui import pages, parts, theme
from medtransfer.hosting.catalogue import Origin, PluginEntry
from medtransfer.work.modalities import in_words

WHERE: dict[Origin, str] = {
    "host": "installed beside medtransfer",
    "own environment": "installed by medtransfer, in an environment of its own",
    "folder": "used as it stands in a folder",
}


class PluginCard(QWidget):
    """The card; empty until :meth:`show_plugin`."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.spacing(1.5))

    def show_plugin(self, entry: PluginEntry) -> None:
        """Show another plug-in, and why it cannot be used where that is so."""
        pages.clear(self._column)
        self._column.addWidget(parts.title(entry.manifest.name if entry.manifest else entry.id))
        if entry.reason:
            frame, column = parts.card("failure")
            column.addWidget(parts.label("This plug-in cannot be used", "danger", weight=theme.MEDIUM))
            column.addWidget(parts.label(f"{entry.reason[:1].upper()}{entry.reason[1:].rstrip('.')}."))
            self._column.addWidget(frame)
        elif not entry.enabled:
            frame, column = parts.card("warning")
            column.addWidget(parts.label("Switched off: it is not offered and not run.", "warning"))
            self._column.addWidget(frame)
        if entry.manifest is not None:
            add_manifest(self._column, entry.manifest)


def add_manifest(column: QVBoxLayout, manifest: Manifest) -> None:
    """Add what a manifest says to a page."""
    column.addWidget(parts.label(manifest.card.summary))
    for heading, pairs in _sections(manifest).items():
        column.addSpacing(theme.spacing(1))
        column.addWidget(parts.heading(heading))
        column.addWidget(pages.facts(pairs))


def _sections(manifest: Manifest) -> dict[str, dict[str, str]]:
    card, wanted, can = manifest.card, manifest.input, manifest.can
    abilities = {
        "analyse": can.analyse,
        "learn from your cases": can.learn,
        "show where it looked": can.explain,
        "say how sure it is": can.uncertainty,
        "run without a graphics card": can.cpu,
    }
    kind = "colour pictures" if wanted.meaning == "rgb" else "grey images"
    return {
        "What it is for": {
            "Meant for": card.intended_use,
            "Not for": card.not_for,
            "Tried on": card.population,
            "Published figures": "; ".join(f"{entry.name} {entry.value} on {entry.on}" for entry in card.metrics),
            "Cite": card.citation,
            "Licence": card.licence,
        },
        "What it takes and answers": {
            "Takes": f"{kind} of {wanted.dimensions} dimensions: {in_words(wanted.modalities)}",
            "Answers": ", ".join(label.name for label in manifest.task.labels),
            "Can": ", ".join(name for name, able in abilities.items() if able),
            "Memory": f"about {manifest.memory.analyse_mib:,} MiB to analyse",
            "Weights": "; ".join(f"{entry.name} ({entry.licence}), {entry.trained_on}" for entry in manifest.weights),
        },
        "What it asks for": permissions(manifest),
    }


def permissions(manifest: Manifest) -> dict[str, str]:
    """Return what a plug-in wants to be allowed beyond its own job."""
    asked = manifest.permissions
    return {
        "Network": "yes: it wants to connect to other computers" if asked.network else "no",
        "Other folders": ", ".join(asked.read_folders) or "none",
    }
