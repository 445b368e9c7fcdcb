"""Which system libraries the window (Qt) needs on Linux, and which of them are missing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection

# Shared library -> the Debian and Ubuntu package that holds it: what Qt's xcb platform plug-in links to and no
# Python package brings along. `ldd` on libqxcb.so and libQt6Gui.so of PySide6-Essentials 6.12 lists them.
PACKAGES: dict[str, str] = {
    "libdbus-1.so.3": "libdbus-1-3",
    "libEGL.so.1": "libegl1",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libGL.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}


def installed() -> frozenset[str] | None:
    """Return the shared libraries that the dynamic linker knows; None where it cannot be asked."""
    if sys.platform != "linux":
        return None
    for command in ("ldconfig", "/sbin/ldconfig"):
        try:
            done = subprocess.run([command, "-p"], capture_output=True, text=True, check=True, timeout=10)
        except (OSError, subprocess.SubprocessError):
            continue
        return frozenset(line.split()[0] for line in done.stdout.splitlines() if "=>" in line)
    return None


def advice(libraries: Collection[str]) -> str:
    """Return the line that installs what is missing from ``libraries``, with a word on why; empty if nothing is."""
    missing = sorted(package for library, package in PACKAGES.items() if library not in libraries)
    if not missing:
        return ""
    return (
        "The window will need system libraries that are missing here (the command line does without):\n"
        f"    sudo apt-get install {' '.join(missing)}"
    )
