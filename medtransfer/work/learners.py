"""What a person chooses from before a training: plug-ins that learn, and a name for the model."""

from __future__ import annotations

import re
from pathlib import Path

from medtransfer.cohort.reading import TABLE_NAMES
from medtransfer.hosting import catalogue
from medtransfer.hosting.catalogue import PluginEntry
from medtransfer.store.home import Home
from medtransfer.store.models import RESERVED

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._ -]+")
_LONGEST = 60


def learners(home: Home) -> list[PluginEntry]:
    """Return the plug-ins that can be used and can learn."""
    return [
        entry
        for entry in catalogue.find(home.root)
        if entry.manifest is not None and entry.manifest.can.learn and entry.enabled and not entry.reason
    ]


def pretrainers(home: Home) -> list[PluginEntry]:
    """Return the plug-ins of :func:`learners` that can also learn from images without answers."""
    return [entry for entry in learners(home) if entry.manifest is not None and entry.manifest.can.pretrain]


def suggested_name(data: Path) -> str:
    """Return a name for a model: that of the table, or of its folder where every table is called so."""
    stem = data.parent.name if data.name in TABLE_NAMES else data.stem
    name = _NOT_IN_NAMES.sub("-", stem).strip("._ -")[:_LONGEST]
    return name if name and name not in RESERVED else "my model"


def label_names(home: Home, plugin_id: str) -> dict[str, str]:
    """Return the names of the labels that a plug-in declares, by id; empty when there is no such plug-in."""
    entry = next((entry for entry in catalogue.find(home.root) if entry.id == plugin_id), None)
    return {label.id: label.name for label in entry.manifest.task.labels} if entry and entry.manifest else {}
