"""Which plug-ins there are, found without importing any of them.

Three places are searched. Distributions installed beside medtransfer announce themselves by an entry point of the group
``medtransfer.plugins``: its name is the plug-in's id, its value the package that holds the manifest. Plug-ins that
medtransfer installed lie in environments of their own below its home. Plug-in folders are used as their author works on
them: those in ``plugin-folders`` of the home and those that ``MEDTRANSFER_PLUGIN_PATH`` names.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Literal

from medtransfer.contract.manifest import MANIFEST_FILE, Manifest, read_manifest
from medtransfer.errors import PluginError, UserError
from medtransfer.hosting.places import Places, read_receipt

GROUP = "medtransfer.plugins"
PATH_VARIABLE = "MEDTRANSFER_PLUGIN_PATH"
Origin = Literal["host", "own environment", "folder"]


@dataclass(frozen=True)
class PluginEntry:
    """A plug-in as it lies on this machine.

    Attributes
    ----------
    id
        The manifest's id, or for a plug-in without a readable manifest the name that it goes by.
    origin
        ``host``: installed beside medtransfer; ``own environment``: installed by medtransfer; ``folder``: as it stands.
    folder
        The folder that holds the manifest; files that the manifest names are relative to it.
    python
        The interpreter that runs its worker.
    sys_path
        Folders that come first on the worker's import path.
    manifest
        None when it cannot be read.
    reason
        Why it cannot be used, as the rest of a sentence; empty when it can.
    enabled
        False when the person switched it off.
    """

    id: str
    origin: Origin
    folder: Path
    python: Path
    sys_path: tuple[Path, ...] = ()
    manifest: Manifest | None = None
    reason: str = ""
    enabled: bool = True


def find(home: Path) -> list[PluginEntry]:
    """Return every plug-in, usable or not, sorted by id. Broken ones carry the reason; nothing is raised for them."""
    places = Places(home)
    found = [*_installed_here(), *_own_environments(places), *_folders(places)]
    entries = list({(entry.id, entry.folder.resolve()): entry for entry in reversed(found)}.values())
    entries = [replace(entry, enabled=not _is_disabled(places, entry)) for entry in entries]
    return sorted(_without_doubles(entries), key=lambda entry: (entry.id, entry.origin))


def get(home: Path, plugin_id: str) -> PluginEntry:
    """Return the usable plug-in of that id.

    Raises
    ------
    UserError
        When there is none of that id, or it is disabled.
    PluginError
        When it cannot be used.
    """
    entries = find(home)
    entry = next((entry for entry in entries if entry.id == plugin_id), None)
    if entry is None:
        known = ", ".join(sorted({entry.id for entry in entries})) or "none"
        raise UserError(
            f"there is no plug-in {plugin_id!r}",
            code="plugin.unknown",
            hint=f"Plug-ins here: {known}. `medtransfer plugin install` adds one.",
        )
    if entry.reason:
        raise PluginError(
            f"the plug-in {plugin_id} cannot be used: {entry.reason}",
            code="plugin.unusable",
            hint="Mend or uninstall it; `medtransfer plugin list` shows every plug-in with what is wrong.",
        )
    if not entry.enabled:
        raise UserError(
            f"the plug-in {plugin_id} is disabled",
            code="plugin.disabled",
            hint="Enable it in the list of plug-ins first.",
        )
    return entry


def read_entry(folder: Path, origin: Origin, fallback_id: str, sys_path: tuple[Path, ...]) -> PluginEntry:
    """Return the plug-in whose manifest lies in ``folder``, with the reason when it cannot be used."""
    entry = PluginEntry(fallback_id, origin, folder, Path(sys.executable), sys_path)
    try:
        manifest = read_manifest(folder)
    except PluginError as error:
        return replace(entry, reason=error.message)
    return replace(entry, id=manifest.id, manifest=manifest, reason=manifest.unusable_reason)


def plugin_folders(folder: Path) -> list[Path]:
    """Return the folders that hold a manifest: ``folder`` itself, else those below it, at most two levels deep."""
    for pattern in (MANIFEST_FILE, f"*/{MANIFEST_FILE}", f"*/*/{MANIFEST_FILE}"):
        found = sorted(file.parent for file in folder.glob(pattern) if not _hidden(file.relative_to(folder)))
        if found:
            return found
    return []


def import_root(folder: Path, manifest: Manifest) -> Path:
    """Return the folder from which the entry's module is imported: above the package, or beside a single module."""
    top = manifest.entry.partition(":")[0].partition(".")[0]
    is_package = folder.name == top and (folder / "__init__.py").is_file()
    return folder.parent if is_package else folder


def _installed_here() -> Iterator[PluginEntry]:
    for point in entry_points(group=GROUP):
        package = point.value
        folder = _package_folder(point)
        if folder is None:
            reason = f"its distribution names the package {package!r}, which is not there: install it again"
            yield PluginEntry(point.name, "host", Path(sys.prefix), Path(sys.executable), reason=reason)
        else:
            yield _named_as_announced(read_entry(folder, "host", point.name, ()), point.name)


def _package_folder(point: EntryPoint) -> Path | None:
    """Locate a top-level package, editable installs included, without importing it."""
    if not point.value.isidentifier():
        return None
    try:
        spec = importlib.util.find_spec(point.value)
    except (ImportError, ValueError):
        return None
    folders = [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []
    return next((folder for folder in folders if (folder / MANIFEST_FILE).is_file()), folders[0] if folders else None)


def _own_environments(places: Places) -> Iterator[PluginEntry]:
    for folder in places.installed():
        site = places.site(folder)
        try:
            receipt = read_receipt(folder)
        except PluginError as error:
            yield PluginEntry(folder.name, "own environment", folder, Path(sys.executable), reason=error.message)
        else:
            entry = read_entry(site / receipt.package, "own environment", folder.name, (site,))
            yield _named_as_announced(entry, folder.name)


def _folders(places: Places) -> Iterator[PluginEntry]:
    named = [Path(item) for item in os.environ.get(PATH_VARIABLE, "").split(os.pathsep) if item]
    kept = sorted(item for item in places.folders.glob("*") if item.is_dir()) if places.folders.is_dir() else []
    for item in (*kept, *named):
        folders = plugin_folders(item)
        if not folders:
            reason = f"there is no {MANIFEST_FILE} in this folder"
            yield PluginEntry(item.name, "folder", item, Path(sys.executable), reason=reason)
        for folder in folders:
            entry = read_entry(folder.absolute(), "folder", folder.name, ())
            if entry.manifest is not None:
                entry = replace(entry, sys_path=(import_root(entry.folder, entry.manifest),))
            yield entry


def _named_as_announced(entry: PluginEntry, name: str) -> PluginEntry:
    if entry.id == name or entry.reason:
        return entry
    return replace(entry, reason=f"it was announced as {name!r}, its manifest says {entry.id!r}")


def _is_disabled(places: Places, entry: PluginEntry) -> bool:
    """Only the id of a valid manifest is safe as a file name."""
    return entry.manifest is not None and places.disabled(entry.id).exists()


def _without_doubles(entries: list[PluginEntry]) -> list[PluginEntry]:
    """Make plug-ins that share an id unusable: which one would answer must never depend on the order of folders."""
    ids = [entry.id for entry in entries]
    return [
        replace(entry, reason=f"there are {ids.count(entry.id)} plug-ins with this id: remove all but one")
        if ids.count(entry.id) > 1
        else entry
        for entry in entries
    ]


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part in {"build", "dist"} for part in path.parts)
