"""The files that come with medtransfer: the weights catalogue, label tables, demo pictures."""

from __future__ import annotations

from pathlib import Path

from medtransfer.errors import EnvironmentFailure

_PARENT = Path(__file__).resolve().parents[1]
# Installed, the files lie beside this package as `medtransfer_resources`; in a checkout they lie in `resources`.
# The installed name is looked for first, since any other distribution may own a folder called `resources`.
_FOLDERS = (_PARENT / "medtransfer_resources", _PARENT / "resources")


def resource(name: str) -> Path:
    """Return where a file or folder of ``resources/`` lies on this machine.

    Parameters
    ----------
    name
        Path below ``resources/`` with forward slashes: ``"demo/retina.jpg"``. Given by code, never taken from a file.

    Raises
    ------
    EnvironmentFailure
        ``resources.missing``: the installation is incomplete.
    """
    for folder in _FOLDERS:
        path = folder / name
        if path.exists():
            return path
    raise EnvironmentFailure(
        "A file that belongs to medtransfer is missing.",
        code="resources.missing",
        hint="Install medtransfer again: part of it was deleted or never copied.",
        subject=name,
    )
