"""Draw every screen of the window, in both themes, without a person and without a screen.

    python resources/screenshots/make_screenshots.py FOLDER [--data DATA] [--only read] [--themes dark] [--scale 2]

DATA is the folder of real images that lies beside a development checkout (see ``resources/screenshots/LICENCES.md``);
without it the demo's photograph and generated pictures stand in. Runs without a screen; with ``QT_QPA_PLATFORM=xcb``
under Xvfb it draws on a real X server. Look at every picture afterwards: that is what this is for.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from scenes import PLUGINS, SCENES
from studio import SIZE, Studio
from subjects import Pictures

from medtransfer.gui import theme

SCREEN = {"name": "screen", "x": 0, "y": 0, "width": SIZE[0], "height": SIZE[1], "dpr": 1}


def platform(folder: Path) -> str:
    """Return Qt's platform without a screen, told of one as large as the window, where menus open as they should."""
    settings = folder / "screen.json"
    settings.write_text(json.dumps({"screens": [SCREEN]}), encoding="utf-8")
    return f"offscreen:configfile={settings}"


def main() -> None:
    """Draw what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", nargs="*", choices=SCENES, default=list(SCENES))
    parser.add_argument("--themes", nargs="*", choices=theme.NAMES, default=list(theme.NAMES))
    parser.add_argument("--scale", default="1")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ.setdefault("QT_QPA_PLATFORM", platform(folder))
        os.environ["QT_SCALE_FACTOR"] = asked.scale
        os.environ["MEDTRANSFER_PLUGIN_PATH"] = str(PLUGINS / "labelmap")
        app = QApplication(sys.argv[:1])
        theme.apply(app, "dark")
        studio = Studio(app, asked.folder, folder / "home", asked.themes)
        for name in asked.only:
            SCENES[name](studio, Pictures(asked.data, folder))
        studio.window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, on=False)
        studio.read.close()


if __name__ == "__main__":
    main()
