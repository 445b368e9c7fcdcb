"""Write installer/constraints.txt anew from the versions installed in .venv.

.venv/bin/python installer/refresh_constraints.py

Keeps to what medtransfer's own requirements and extras lead to, and leaves out what only CUDA builds of torch need on
Linux: torch itself names those versions exactly.
"""

from __future__ import annotations

import importlib.metadata
import tomllib
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
_HEADER = """\
# The exact versions that the set-up installs, tested together. pip uses a line only if something needs that package,
# so the list serves every platform. Not edited by hand: to move to newer versions, upgrade them in .venv, run the
# tests, then write this file with
#     .venv/bin/python installer/refresh_constraints.py
"""
_ONLY_WITH_CUDA = ("nvidia-", "cuda-", "triton")


def declared(projects: Iterable[Path]) -> set[str]:
    """Return every requirement that the ``pyproject.toml`` files name, extras included."""
    found: set[str] = set()
    for project in projects:
        table = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        found.update(table.get("dependencies", []))
        found.update(*table.get("optional-dependencies", {}).values())
    return found


def installed_closure(requirements: Iterable[str]) -> dict[str, str]:
    """Return name to version of every installed distribution that ``requirements`` lead to, directly or not."""
    versions: dict[str, str] = {}
    waiting = [(Requirement(text), "") for text in requirements]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement, extra_of_parent = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra_of_parent}):
            continue
        name = canonicalize_name(requirement.name)
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        versions[name] = distribution.version
        for extra in {"", *requirement.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += [(Requirement(text), extra) for text in distribution.requires or ()]
    return versions


def main() -> None:
    """Write the file."""
    versions = installed_closure(declared([ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")]))
    lines = [
        f"{name}=={version.partition('+')[0]}"
        for name, version in sorted(versions.items())
        if not name.startswith((*_ONLY_WITH_CUDA, "medtransfer"))
    ]
    text = _HEADER + "\n".join(lines) + "\n"
    (ROOT / "installer" / "constraints.txt").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
