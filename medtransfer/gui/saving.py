"""Ask where a file is to be saved: its name gets its suffix, and nothing is replaced without a yes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget


def ask_where(parent: QWidget, title: str, name: str, kind: str, suffixes: Sequence[str]) -> Path | None:
    """Return where to save, None when the person thought better of it.

    Parameters
    ----------
    parent
        What the dialog belongs to.
    title
        Its title.
    name
        The name that it offers.
    kind
        What files of this kind are called.
    suffixes
        What their names end in, the usual one first: ``.nii.gz``.
    """
    pattern = " ".join(f"*{suffix}" for suffix in suffixes)
    chosen, _ = QFileDialog.getSaveFileName(parent, title, name, f"{kind} ({pattern})")
    if not chosen:
        return None
    path = completed(Path(chosen), suffixes)
    asked_already = path == Path(chosen)  # the dialog asks before it takes a file that is there
    if asked_already or not path.exists() or _agreed(parent, title, path):
        return path
    return None


def completed(path: Path, suffixes: Sequence[str]) -> Path:
    """Return the path with the first of the suffixes, unless it has one of them."""
    if path.name.lower().endswith(tuple(suffixes)):
        return path
    return path.with_name(f"{path.name}{suffixes[0]}")


def _agreed(parent: QWidget, title: str, path: Path) -> bool:
    question = f"{path.name} is there already. Replace it?"
    buttons = QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.Cancel
    return QMessageBox.question(parent, title, question, buttons) == QMessageBox.StandardButton.Yes
