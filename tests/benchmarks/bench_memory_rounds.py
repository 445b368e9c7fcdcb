"""Whether memory grows while studies are opened, scrolled, analysed and closed again.

    .venv/bin/python tests/benchmarks/bench_memory_rounds.py [ROUNDS]

Ten rounds come first, until every library has taken what it keeps. Fails when the window's process is more than 5 %
larger after the rounds (100 when not said otherwise) than before them.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import psutil
from PySide6.QtWidgets import QApplication

from medtransfer.gui import theme
from medtransfer.store.home import Home
from medtransfer.work import models
from tests.benchmarks.stage import Stage, echo_model, photograph, series

ROOT = Path(__file__).resolve().parents[2]
WARM_UP = 10
ALLOWED = 0.05


def one_round(stage: Stage, picture: Path, volume: Path) -> None:
    """Open a photograph and a CT, look at both, have both analysed, and close them."""
    for path, plugin in ((picture, "test.echo"), (volume, "test.labelmap")):
        stage.open(path)
        view = stage.read.viewer.grid.views[0]
        for index in range(0, 20, 2):
            view.set_slice(index)
            stage.turn()
        panel = stage.read.analyse_panel
        panel.plugin.setCurrentIndex(panel.plugin.findData(plugin))
        panel.analyse.click()
        stage.until(lambda: stage.read.reading.shown is not None)
        stage.rest()
    stage.context.commands.run("read.remove_all")
    stage.rest()


def megabytes() -> float:
    """Return the resident memory of this process."""
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 1e6


def main(rounds: int) -> int:
    os.environ["MEDTRANSFER_PLUGIN_PATH"] = os.pathsep.join(
        str(ROOT / "tests" / "plugins" / name) for name in ("echo", "labelmap")
    )
    app = QApplication(sys.argv[:1])
    theme.apply(app, "dark")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        home = Home.locate(folder / "home").prepare()
        models.import_bundle(home, echo_model(folder / "bundle"), "clinic")
        picture, volume = photograph(folder / "photograph.jpg", 1500, 1000), series(folder / "series", 20)
        stage = Stage(home)
        stage.show("read")
        for _ in range(WARM_UP):
            one_round(stage, picture, volume)
        before = megabytes()
        for number in range(1, rounds + 1):
            one_round(stage, picture, volume)
            if number % max(rounds // 5, 1) == 0:
                print(f"after {number:3} rounds {megabytes():6.0f} MB, {len(app.allWidgets())} widgets", flush=True)
        growth = megabytes() / before - 1.0
        stage.close()
    print(f"{rounds} rounds from {before:.0f} MB: {growth:+.1%}, allowed {ALLOWED:+.0%}")
    return 0 if growth <= ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
