"""Running pip for plug-ins: build a wheel, work out what is missing, unpack it beside the plug-in."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from medtransfer.errors import EnvironmentFailure, PluginError
from medtransfer.hosting.inspection import distribution_name
from medtransfer.hosting.redaction import without_paths

_LAST_LINES = 6


@dataclass(frozen=True)
class Pinned:
    """One distribution that pip chose: its version and the SHA-256 of its wheel."""

    name: str
    version: str
    sha256: str

    @property
    def line(self) -> str:
        """The line of a requirements file that accepts these bytes only."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def build_wheel(folder: Path, target: Path, arguments: Sequence[str]) -> Path:
    """Build the wheel of a project folder into ``target`` and return it.

    Raises
    ------
    PluginError
        When the project cannot be built.
    EnvironmentFailure
        When pip cannot do its work here.
    """
    isolation = ["--no-build-isolation"] if _builder_is_here(folder) else []
    _run(["wheel", "--no-deps", *isolation, "--wheel-dir", str(target), *arguments, str(folder)], target)
    wheels = list(target.glob("*.whl"))
    if len(wheels) != 1:
        raise PluginError(
            "the folder did not build into one wheel",
            code="plugin.build",
            hint="Check that `pip wheel` works on the folder.",
            subject=folder.name,
        )
    return wheels[0]


def missing(requirements: Sequence[str], arguments: Sequence[str]) -> list[Pinned]:
    """Return what must be added so that the requirements are met on top of the host's packages.

    What the host already has in a fitting version is not listed; what it has in a version that clashes is.

    Raises
    ------
    EnvironmentFailure
        When pip finds no set of packages that fits, for instance without a network.
    """
    if not requirements:
        return []
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        wanted = ["install", "--dry-run", "--report", str(report), "--only-binary=:all:", *arguments, *requirements]
        _run(wanted, Path(folder))
        chosen = json.loads(report.read_text(encoding="utf-8"))["install"]
    return [
        Pinned(
            name=item["metadata"]["name"],
            version=item["metadata"]["version"],
            sha256=item["download_info"]["archive_info"]["hashes"]["sha256"],
        )
        for item in chosen
    ]


def unpack(wheel: Path, wheel_sha256: str, others: Sequence[Pinned], site: Path, arguments: Sequence[str]) -> None:
    """Install the wheel and the pinned others into the folder ``site``, refusing any other bytes.

    Nothing is built and no dependency is added, so no code of theirs runs.

    Raises
    ------
    EnvironmentFailure
        When a download fails or the disk is full.
    """
    with tempfile.TemporaryDirectory() as folder:
        lines = [f"{wheel.resolve().as_uri()} --hash=sha256:{wheel_sha256}", *(item.line for item in others)]
        file = Path(folder) / "requirements.txt"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile", "--target", str(site)]
        _run(["install", *options, *arguments, "--requirement", str(file)], Path(folder))


def _run(arguments: Sequence[str], folder: Path) -> None:
    if importlib.util.find_spec("pip") is None:
        raise EnvironmentFailure(
            "pip is missing from medtransfer's environment",
            code="pip.missing",
            hint="Run `python -m ensurepip` in that environment, or set medtransfer up again with its bootstrap.",
        )
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=variables, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        raise _explained(done.stderr.decode("utf-8", "replace"))


def _explained(output: str) -> EnvironmentFailure:
    lines = [without_paths(line) for line in output.splitlines() if line.strip()]
    if "No space left on device" in output:
        return EnvironmentFailure(
            "the disk is full", code="disk.full", hint="Free some space and install again: nothing was changed."
        )
    error = EnvironmentFailure(
        "pip could not provide the plug-in's packages",
        code="pip.failed",
        hint="Check the network, or put the wheels it needs into a folder; pip's last words are below.",
    )
    error.add_note("\n".join(lines[-_LAST_LINES:]))
    return error


def _builder_is_here(folder: Path) -> bool:
    """Whether everything that builds the project is installed already, so that building needs no network."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    return all(_is_installed(item) for item in project.get("build-system", {}).get("requires", ["setuptools"]))


def _is_installed(requirement: str) -> bool:
    try:
        metadata.distribution(distribution_name(requirement))
    except metadata.PackageNotFoundError:
        return False
    return True
