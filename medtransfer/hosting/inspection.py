"""What a plug-in is, before anything of it runs: its manifest, its files and what it depends on.

A wheel is a zip file (PyPA specification "Binary distribution format") and is read as untrusted input: nothing is
unpacked to where its names point, and count, size and compression are bounded before anything is decompressed.
"""

from __future__ import annotations

import configparser
import email.parser
import hashlib
import re
import stat
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from medtransfer.contract.bundle import file_sha256
from medtransfer.contract.manifest import MANIFEST_FILE, Manifest, read_manifest
from medtransfer.errors import DataError, PluginError
from medtransfer.hosting.catalogue import GROUP, plugin_folders

MAXIMUM_FILES = 20_000
MAXIMUM_BYTES = 4 * 2**30
MAXIMUM_RATIO = 200
"""Compressing zeros reaches about 1,000; weights and code stay far below 200."""
_SMALL = 2**20
_METADATA_LIMIT = 4 * 2**20
IGNORED = frozenset(
    {".git", ".hg", ".venv", "__pycache__", "build", "dist", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
)


@dataclass(frozen=True)
class Inspection:
    """What a person is shown before a plug-in is installed.

    Attributes
    ----------
    source
        The wheel or folder that was inspected.
    manifest
        With licence, permissions, intended use and weights.
    distribution
        The name of its distribution.
    package
        The package that holds the manifest.
    requires
        Its dependencies as it declares them, medtransfer itself left out.
    files
        SHA-256 of every file by its name in the source.
    size
        Bytes of all files together.
    sha256
        Of the wheel; for a folder, of the list of its files with their hashes.
    """

    source: Path
    manifest: Manifest
    distribution: str
    package: str
    requires: tuple[str, ...]
    files: dict[str, str]
    size: int
    sha256: str


def inspect(source: Path) -> Inspection:
    """Read a wheel or a plug-in folder without running anything of it.

    Raises
    ------
    DataError
        When it is neither, is damaged, or holds what no plug-in needs (paths that leave it, links, a zip bomb).
    PluginError
        When it holds no plug-in, more than one, or one that this medtransfer cannot run.
    """
    if source.is_dir():
        inspection = _inspect_folder(source)
    elif source.suffix == ".whl" and source.is_file():
        inspection = _inspect_wheel(source)
    else:
        raise DataError(
            "this is neither a wheel nor a folder",
            code="plugin.source",
            hint="Give the .whl file of a plug-in, or the folder that holds its pyproject.toml.",
            subject=source.name,
        )
    if inspection.manifest.unusable_reason:
        raise PluginError(
            f"this plug-in cannot be used here: {inspection.manifest.unusable_reason}",
            code="plugin.unusable",
            hint="Choose a version of the plug-in that fits this medtransfer.",
            subject=source.name,
        )
    return inspection


def _inspect_wheel(source: Path) -> Inspection:
    try:
        with zipfile.ZipFile(source) as archive:
            members = _safe_members(archive, source.name)
            manifest, package = _wheel_manifest(archive, members, source.name)
            metadata = _text(archive, members, "METADATA", source.name)
            points = _text(archive, members, "entry_points.txt", source.name)
            files = {member.filename: _member_sha256(archive, member) for member in members}
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise _damaged("it is no zip file, or it is damaged", source.name) from error
    _check_announced(points, manifest, package, source.name)
    header = email.parser.HeaderParser().parsestr(metadata)
    return Inspection(
        source=source,
        manifest=manifest,
        distribution=str(header["Name"] or ""),
        package=package,
        requires=_without_host(header.get_all("Requires-Dist") or []),
        files=files,
        size=sum(member.file_size for member in members),
        sha256=file_sha256(source),
    )


def _inspect_folder(source: Path) -> Inspection:
    project = _read_project(source)
    packages = plugin_folders(source)
    if len(packages) != 1:
        raise _not_one_plugin(len(packages), source.name)
    paths = list(_folder_files(source))
    size = sum(path.stat().st_size for path in paths)
    if len(paths) > MAXIMUM_FILES or size > MAXIMUM_BYTES:
        raise _damaged("it holds more than a plug-in may", source.name)
    files = {path.relative_to(source).as_posix(): file_sha256(path) for path in paths}
    return Inspection(
        source=source,
        manifest=read_manifest(packages[0]),
        distribution=str(project.get("name", "")),
        package=packages[0].name,
        requires=_without_host([str(item) for item in project.get("dependencies", [])]),
        files=files,
        size=size,
        sha256=hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest(),
    )


def _read_project(source: Path) -> dict[str, list[str] | str]:
    try:
        project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PluginError(
            "the folder has no readable pyproject.toml, so it cannot be installed",
            code="plugin.no-project",
            hint="Use the folder as it stands through MEDTRANSFER_PLUGIN_PATH, or give it a pyproject.toml.",
            subject=source.name,
        ) from error
    return project if isinstance(project, dict) else {}


def _folder_files(source: Path) -> Iterator[Path]:
    for path in sorted(source.rglob("*")):
        if IGNORED.isdisjoint(path.relative_to(source).parts):
            if path.is_symlink():
                raise _damaged("it holds a link to another file", source.name)
            if path.is_file():
                yield path


def _safe_members(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    """Return the files of the archive after checking names, kinds, count, size and compression."""
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > MAXIMUM_FILES or sum(member.file_size for member in members) > MAXIMUM_BYTES:
        raise _damaged("it holds more than a plug-in may", name)
    if len({member.filename for member in members}) != len(members):
        raise _damaged("it holds two files of the same name", name)
    for member in members:
        path = PurePosixPath(member.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename:
            raise _damaged("it holds a file whose name leads outside", name)
        if stat.S_ISLNK(member.external_attr >> 16):
            raise _damaged("it holds a link to another file", name)
        if member.flag_bits & 0x1:
            raise _damaged("it is encrypted", name)
        if member.file_size > max(_SMALL, MAXIMUM_RATIO * member.compress_size):
            raise _damaged("a file in it is compressed beyond belief", name)
    return members


def _wheel_manifest(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], name: str) -> tuple[Manifest, str]:
    found = [m for m in members if re.fullmatch(rf"[A-Za-z_]\w*/{re.escape(MANIFEST_FILE)}", m.filename)]
    if len(found) != 1:
        raise _not_one_plugin(len(found), name)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / MANIFEST_FILE
        file.write_bytes(_read_small(archive, found[0], name))
        return read_manifest(file), PurePosixPath(found[0].filename).parts[0]


def _text(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], file: str, name: str) -> str:
    found = [m for m in members if re.fullmatch(rf"[^/]+\.dist-info/{re.escape(file)}", m.filename)]
    if len(found) != 1:
        raise _damaged(f"it does not hold exactly one {file}, as every plug-in's wheel does", name)
    return _read_small(archive, found[0], name).decode("utf-8")


def _read_small(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> bytes:
    if member.file_size > _METADATA_LIMIT:
        raise _damaged("its manifest or metadata are too large", name)
    return archive.read(member)


def _member_sha256(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str:
    digest = hashlib.sha256()
    with archive.open(member) as stream:
        while block := stream.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def _check_announced(points: str, manifest: Manifest, package: str, name: str) -> None:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # the documented way to keep capitals
    try:
        parser.read_string(points)
        announced = dict(parser.items(GROUP)) if parser.has_section(GROUP) else {}
    except configparser.Error as error:
        raise _damaged("its entry points cannot be read", name) from error
    if announced != {manifest.id: package}:
        raise PluginError(
            f"the wheel does not announce the plug-in {manifest.id!r}",
            code="plugin.announcement",
            hint=f'Its pyproject.toml needs [project.entry-points."{GROUP}"] with "{manifest.id}" = "{package}".',
            subject=name,
        )


def _without_host(requirements: list[str]) -> tuple[str, ...]:
    """Leave out medtransfer: the host provides it, and the manifest's contract range says which one fits."""
    return tuple(item for item in requirements if distribution_name(item) != "medtransfer")


def distribution_name(requirement: str) -> str:
    """Return the normalised distribution name (PEP 503) that a requirement begins with."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement.strip())
    return re.sub(r"[-_.]+", "-", match.group()).lower() if match else ""


def _not_one_plugin(count: int, name: str) -> PluginError:
    return PluginError(
        f"it holds {count} plug-ins instead of one" if count else f"it holds no {MANIFEST_FILE}",
        code="plugin.not-one",
        hint=f"A plug-in's distribution has one package with one {MANIFEST_FILE} in it.",
        subject=name,
    )


def _damaged(what: str, name: str) -> DataError:
    return DataError(
        f"this cannot be installed: {what}",
        code="plugin.damaged-source",
        hint="Get it again from where it came from; do not install it if you do not trust its source.",
        subject=name,
    )
