"""The environment of a checkout: the folder ``.venv``, made once, repaired when half made, left alone when complete."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from installer.errors import SetupError
from installer.pip_output import digest, explain

# Measured on Linux, where torch brings the CUDA libraries along: 7 GB installed, and 3.5 GB of downloads beside them
# until pip is done. Windows and macOS get torch without CUDA.
_NEEDED_GB = 11.0 if sys.platform == "linux" else 4.0
_NEEDED_TO_UPDATE_GB = 1.0


@dataclass(frozen=True)
class Checkout:
    """A folder with medtransfer's source, and the environment inside it."""

    root: Path

    @property
    def venv(self) -> Path:
        """The folder of the environment."""
        return self.root / ".venv"

    @property
    def stamp(self) -> Path:
        """The file that is written last: it says for what the environment was completed."""
        return self.venv / "medtransfer-setup.sha256"

    @property
    def constraints(self) -> Path:
        """The exact versions to install."""
        return self.root / "installer" / "constraints.txt"

    @property
    def plugins(self) -> list[Path]:
        """The folders of the plug-ins that come with the checkout."""
        return sorted(file.parent for file in self.root.glob("plugins/*/pyproject.toml"))

    def program(self, name: str) -> Path:
        """Return where a program of the environment lies, such as ``python`` or ``ruff``."""
        return self.venv / "Scripts" / f"{name}.exe" if os.name == "nt" else self.venv / "bin" / name


def fingerprint(checkout: Checkout) -> str:
    """Return the SHA-256 over all that decides what is installed: requirements, versions, Python, and the place."""
    digest = hashlib.sha256(str(checkout.root).encode())
    declared = [checkout.root / "pyproject.toml", checkout.root / "setup.py", checkout.constraints]
    declared += [plugin / "pyproject.toml" for plugin in checkout.plugins]
    for file in [*declared, checkout.venv / "pyvenv.cfg"]:
        content = file.read_bytes() if file.exists() else b""
        digest.update(f"{file.relative_to(checkout.root).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def is_ready(checkout: Checkout) -> bool:
    """Say whether the environment is complete and made for what the checkout asks now."""
    try:
        stamped = checkout.stamp.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return False
    return checkout.program("python").exists() and stamped == fingerprint(checkout)


def prepare(checkout: Checkout, say: Callable[[str], None]) -> None:
    """Make or repair the environment and install everything into it.

    Raises
    ------
    SetupError
        What stands in the way, in plain words.
    """
    check_space(checkout.venv, free_space=lambda folder: shutil.disk_usage(folder).free)
    checkout.stamp.unlink(missing_ok=True)
    if not _is_usable(checkout):
        _make(checkout, say)
    _install(checkout, say)
    unfinished = checkout.stamp.with_suffix(".part")
    unfinished.write_text(fingerprint(checkout), encoding="ascii")
    unfinished.replace(checkout.stamp)


def check_space(venv: Path, free_space: Callable[[Path], int]) -> None:
    """Raise :class:`SetupError` if the disk that is to hold ``venv`` has too few bytes left by ``free_space``."""
    has_torch = any(venv.glob("lib*/**/site-packages/torch/version.py"))
    needed = _NEEDED_TO_UPDATE_GB if has_torch else _NEEDED_GB
    free = free_space(venv.parent) / 1e9
    if free < needed:
        raise SetupError(
            f"The disk of this checkout is too full: {free:.1f} GB are free, {needed:.0f} GB are needed.",
            "Free some space, or move the checkout to a larger disk. Then run the same command again.",
        )


def _is_usable(checkout: Checkout) -> bool:
    """Say whether there is an environment whose Python starts, is new enough and has pip."""
    question = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    try:
        done = subprocess.run(
            [checkout.program("python"), "-c", question], capture_output=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _make(checkout: Checkout, say: Callable[[str], None]) -> None:
    say(
        "Making the environment .venv again: it is damaged or half made"
        if checkout.venv.exists()
        else "Making the environment .venv"
    )
    command = [sys.executable, "-m", "venv", "--clear", str(checkout.venv)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0 or not _is_usable(checkout):
        raise explain_venv(done.stdout, f"{sys.version_info[0]}.{sys.version_info[1]}")


def explain_venv(output: str, python: str) -> SetupError:
    """Return what a failed ``python -m venv`` means: ``output`` is what it wrote, ``python`` its version, as 3.11."""
    if "ensurepip" in output or "No module named venv" in output or "No module named pip" in output:
        return SetupError(
            "This Python cannot make environments: its system package leaves out venv or ensurepip.",
            f"On Debian and Ubuntu: sudo apt-get install python{python}-venv . Then run the same command again.",
        )
    failure = explain(output)
    if failure.message.startswith("pip"):
        last = output.strip().splitlines()[-1:] or ["Python gave no reason."]
        return SetupError(
            f"The environment .venv could not be made. {last[0]}",
            "Delete the folder .venv and run the same command again.",
        )
    return failure


def _install(checkout: Checkout, say: Callable[[str], None]) -> None:
    """Run pip, show what it is at, keep all of its output in ``.venv/setup.log``, and translate a failure."""
    say("Installing the packages (a few minutes the first time)")
    command = [str(checkout.program("python")), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    command += ["--progress-bar", "off", "-c", str(checkout.constraints), "-e", f"{checkout.root}[worker,window,test]"]
    for plugin in checkout.plugins:
        command += ["-e", str(plugin)]
    downloads = checkout.venv / "downloads"
    shutil.rmtree(downloads, ignore_errors=True)
    downloads.mkdir()
    # A system's own temporary folder is often a small one in memory: gigabytes go beside the environment instead.
    folders = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(downloads))
    with (checkout.venv / "setup.log").open("w+", encoding="utf-8") as log:
        code = _follow(command, checkout.root, {**os.environ, **folders, "PIP_USER": "0", "PYTHONUTF8": "1"}, log, say)
        shutil.rmtree(downloads, ignore_errors=True)
        if code != 0:
            log.seek(0)
            raise explain(log.read())


def _follow(
    command: list[str], folder: Path, variables: dict[str, str], log: TextIO, say: Callable[[str], None]
) -> int:
    """Run pip to its end, copy its output to ``log``, say what it is at, and return its exit code."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            for line in process.stdout or ():
                log.write(line)
                news = digest(line)
                if news:
                    say("  " + news)
        except BaseException:
            process.terminate()
            raise
    return process.returncode
