"""Installing plug-ins, each into an environment of its own, so that two with clashing dependencies both work.

The environment is a folder ``site`` that comes first on the import path of the plug-in's worker; the host's packages
come after it. It holds the plug-in and those of its dependencies that the host lacks or has in a version that clashes.
A folder was chosen over a ``venv`` because it can be renamed: an installation is made and tried under a hidden name and
then appears in one step, complete, or not at all. It also takes no interpreter copy and works alike on every system.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from medtransfer.errors import EnvironmentFailure, MedTransferError, PluginError, UserError
from medtransfer.hosting import pip
from medtransfer.hosting.catalogue import PluginEntry, find, read_entry
from medtransfer.hosting.inspection import IGNORED, Inspection, inspect
from medtransfer.hosting.places import RECEIPT, Places, Receipt

__all__ = ["Inspection", "disable", "enable", "inspect", "install", "uninstall"]

_STALE_S = 24 * 3600.0


def install(
    home: Path,
    source: Path,
    progress: Callable[[float, str], None],
    *,
    golden: Callable[[PluginEntry], None],
    pip_arguments: Sequence[str] = (),
) -> PluginEntry:
    """Install a wheel or a plug-in folder; one of the same id that was installed before is replaced.

    Parameters
    ----------
    source
        What :func:`inspect` accepts; the person has seen the inspection and agreed.
    progress
        Told the share done, in [0, 1], and what is being done.
    golden
        Runs the golden case on the plug-in in its hidden place, with a worker that is closed afterwards, and raises
        when the answer is not as expected. Called only when the manifest has a golden case.
    pip_arguments
        Further arguments for pip, such as ``--no-index --find-links FOLDER``.

    Raises
    ------
    DataError, PluginError
        When the source is no usable plug-in, or its golden case fails; nothing is installed then.
    EnvironmentFailure
        When pip, the network or the disk is in the way; nothing is installed then.
    UserError
        When a plug-in of that id lies beside medtransfer or in a plug-in folder.
    """
    places = Places(home)
    progress(0.0, "looking at the plug-in")
    inspection = inspect(source)
    _refuse_double(home, inspection.manifest.id)
    with _staging(places) as staging:
        progress(0.1, "building the plug-in")
        if source.is_dir():
            inspection = inspect(_build(source, staging / "wheel", pip_arguments))
        progress(0.3, "looking for what it needs")
        others = pip.missing(inspection.requires, pip_arguments)
        progress(0.5, "unpacking")
        folder = staging / "plugin"
        site = places.site(folder)
        pip.unpack(inspection.source, inspection.sha256, others, site, pip_arguments)
        _write_receipt(folder, inspection, others)
        progress(0.8, "trying it")
        entry = read_entry(site / inspection.package, "own environment", inspection.manifest.id, (site,))
        _try(entry, golden)
        _swap_in(folder, places.plugin(inspection.manifest.id), staging / "old")
    places.disabled(inspection.manifest.id).unlink(missing_ok=True)
    progress(1.0, "installed")
    return next(entry for entry in find(home) if entry.id == inspection.manifest.id)


def uninstall(home: Path, plugin_id: str) -> None:
    """Remove an installed plug-in with everything that was installed for it.

    Raises
    ------
    UserError
        When there is no such plug-in, or it was not installed by medtransfer.
    EnvironmentFailure
        When its files are in use.
    """
    places = Places(home)
    folder = next((folder for folder in places.installed() if folder.name == plugin_id), None)
    if folder is None:
        raise _not_ours(home, plugin_id)
    with _staging(places) as staging:
        _rename(folder, staging / "removed")
        places.disabled(plugin_id).unlink(missing_ok=True)


def enable(home: Path, plugin_id: str) -> None:
    """Switch a plug-in on.

    Raises
    ------
    UserError
        When there is no such plug-in.
    """
    _known(home, plugin_id)
    Places(home).disabled(plugin_id).unlink(missing_ok=True)


def disable(home: Path, plugin_id: str) -> None:
    """Switch a plug-in off: it stays where it is and is not run.

    Raises
    ------
    UserError
        When there is no such plug-in.
    """
    _known(home, plugin_id)
    flag = Places(home).disabled(plugin_id)
    flag.parent.mkdir(parents=True, exist_ok=True)
    flag.touch()


def _build(source: Path, target: Path, arguments: Sequence[str]) -> Path:
    """Build from a copy: building leaves files behind, and the author's folder may be read-only."""
    copy = target / source.name
    shutil.copytree(source, copy, ignore=lambda _, names: [name for name in names if name in IGNORED])
    return pip.build_wheel(copy, target, arguments)


def _write_receipt(folder: Path, inspection: Inspection, others: Sequence[pip.Pinned]) -> None:
    receipt = Receipt(
        id=inspection.manifest.id,
        distribution=inspection.distribution,
        version=inspection.manifest.version,
        package=inspection.package,
        wheel_sha256=inspection.sha256,
        installed=datetime.now(UTC).isoformat(timespec="seconds"),
        dependencies=[f"{item.name}=={item.version}" for item in others],
    )
    (folder / RECEIPT).write_text(receipt.model_dump_json(indent=1), encoding="utf-8")


def _try(entry: PluginEntry, golden: Callable[[PluginEntry], None]) -> None:
    if entry.manifest is None or entry.manifest.golden is None:
        return
    try:
        golden(entry)
    except MedTransferError as error:
        raise PluginError(
            f"the plug-in failed its own golden case and was not installed: {error.message}",
            code="plugin.golden",
            hint="Report it to the plug-in's author: it does not work on this machine as its author saw it work.",
            subject=entry.id,
        ) from error


def _swap_in(new: Path, place: Path, aside: Path) -> None:
    """Put the new installation in place; the old one comes back if that fails."""
    had_old = place.exists()
    if had_old:
        _rename(place, aside)
    try:
        _rename(new, place)
    except MedTransferError:
        if had_old:
            _rename(aside, place)
        raise


def _rename(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError as error:
        raise EnvironmentFailure(
            f"the plug-in's files cannot be moved ({error.strerror})",
            code="plugin.in-use",
            hint="End every job of this plug-in, close other windows of medtransfer, and try again.",
        ) from error


@contextmanager
def _staging(places: Places) -> Iterator[Path]:
    """Yield a hidden folder on the same disk, removed afterwards; left-overs of killed installations go too."""
    places.plugins.mkdir(parents=True, exist_ok=True)
    for leftover in places.plugins.glob(".staging-*"):
        if time.time() - leftover.stat().st_mtime > _STALE_S:
            shutil.rmtree(leftover, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=".staging-", dir=places.plugins))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _refuse_double(home: Path, plugin_id: str) -> None:
    other = next((e for e in find(home) if e.id == plugin_id and e.origin != "own environment"), None)
    if other is not None:
        raise UserError(
            f"the plug-in {plugin_id} is here already, {_WHERE[other.origin]}",
            code="plugin.exists",
            hint="Remove that one first: two plug-ins of one id would exclude each other.",
        )


_WHERE = {"host": "installed beside medtransfer", "folder": "as a plug-in folder"}


def _known(home: Path, plugin_id: str) -> PluginEntry:
    entry = next((entry for entry in find(home) if entry.id == plugin_id and entry.manifest is not None), None)
    if entry is None:
        raise UserError(
            f"there is no plug-in {plugin_id!r}",
            code="plugin.unknown",
            hint="`medtransfer plugin list` shows every plug-in.",
        )
    return entry


def _not_ours(home: Path, plugin_id: str) -> UserError:
    entry = _known(home, plugin_id)
    return UserError(
        f"the plug-in {plugin_id} was not installed by medtransfer: it lies {_WHERE[entry.origin]}",
        code="plugin.not-ours",
        hint="Remove it with pip."
        if entry.origin == "host"
        else "Take its folder away, or out of MEDTRANSFER_PLUGIN_PATH.",
    )
