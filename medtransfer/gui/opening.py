"""The system's dialogs for files and folders. What a file is, its content says: no name is filtered out."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget


def ask_for_files(parent: QWidget) -> list[Path]:
    """Ask for files, and return those chosen."""
    chosen, _ = QFileDialog.getOpenFileNames(parent, "Open files")
    return [Path(name) for name in chosen]


def ask_for_folder(parent: QWidget) -> list[Path]:
    """Ask for a folder, and return it if one was chosen."""
    chosen = QFileDialog.getExistingDirectory(parent, "Open a folder")
    return [Path(chosen)] if chosen else []
