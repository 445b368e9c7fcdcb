"""How long until the window is on the screen, beside the barest window that PySide6 can show.

    QT_QPA_PLATFORM=offscreen .venv/bin/python tests/benchmarks/bench_window_start.py

Each figure is from the start of the process to the first painting, the median of five processes of each kind, taken in
turn. Fails when medtransfer's window takes more than twice the bare one.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 5
ALLOWED = 2.0

# Ends the process at the first painting of the window, saying when that was.
PAINTED = """
import os, sys, time
class Painted(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and watched.isWindow():
            QCoreApplication.postEvent(self, QEvent(QEvent.Type.User), 1000)  # next, before anything that waits
        return False
    def customEvent(self, event):
        print(time.time(), flush=True)
        os._exit(0)
"""
BARE = f"""
from PySide6.QtCore import QCoreApplication, QEvent, QObject
from PySide6.QtWidgets import QApplication, QMainWindow
{PAINTED}
app = QApplication(sys.argv)
painted = Painted()
window = QMainWindow()
window.installEventFilter(painted)
window.resize(1440, 900)
window.show()
app.exec()
"""
OURS = f"""
from PySide6.QtCore import QCoreApplication, QEvent, QObject
{PAINTED}
from medtransfer.gui import window
class Watched(window.MainWindow):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.painted = Painted()
        self.installEventFilter(self.painted)
window.MainWindow = Watched
sys.argv = ["medtransfer"]
from medtransfer.cli.start import main
main()
"""


def seconds(code: str, home: str) -> float:
    compiled = {"PYTHONPYCACHEPREFIX": str(Path(home) / "compiled")}  # both run from compiled modules, as installed
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.time()
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"QT_QPA_PLATFORM": "offscreen", **inherited, **compiled, "MEDTRANSFER_HOME": home},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return float(done.stdout.split()[-1]) - start


def main() -> int:
    with tempfile.TemporaryDirectory() as home:
        for code in (BARE, OURS):  # once, so that the modules are compiled and in the system's cache
            seconds(code, home)
        pairs = [(seconds(BARE, home), seconds(OURS, home)) for _ in range(ROUNDS)]
    bare = statistics.median(pair[0] for pair in pairs)
    ours = statistics.median(pair[1] for pair in pairs)
    print(f"bare PySide6 window  {bare * 1000:6.0f} ms")
    print(f"medtransfer          {ours * 1000:6.0f} ms")
    print(f"ratio                {ours / bare:6.2f}    allowed {ALLOWED}")
    return 0 if ours <= ALLOWED * bare else 1


if __name__ == "__main__":
    sys.exit(main())
