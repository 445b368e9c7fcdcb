"""How quickly slices change and the crosshair follows, without a screen: run it from the repository's root."""

from __future__ import annotations

import os
import statistics
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from medtransfer.gui import theme
from medtransfer.gui.canvas.grid import Layout, ViewGrid
from medtransfer.gui.canvas.tools import Tool
from medtransfer.gui.canvas.view import ImageView
from medtransfer.result.model import Structure
from medtransfer.study.model import Image

SLICES, SIDE = 300, 512
BUDGET_MS, LEAST_UPDATES = 16.0, 30.0


def volume() -> tuple[Image, np.ndarray, np.ndarray, list[Structure]]:
    generator = np.random.default_rng(1)
    plane = generator.integers(-1000, 1500, (SIDE, SIDE), dtype=np.int16)
    array = np.stack([np.roll(plane, number, axis=1) for number in range(SLICES)])
    affine = np.array([[0, 0, 0.8, 0], [0, 0.8, 0, 0], [1.5, 0, 0, 0], [0, 0, 0, 1]], dtype=np.float64)
    labels = np.zeros(array.shape, dtype=np.uint8)
    for number in range(1, 61):
        y, x = divmod(number - 1, 8)
        labels[:, y * 60 + 5 : y * 60 + 55, x * 60 + 5 : x * 60 + 55] = number
    heat = np.broadcast_to(np.linspace(0, 1, SIDE, dtype=np.float32), array.shape)
    structures = [
        Structure(label=str(value), name=str(value), value=value, volume_ml=1.0, colour=f"#{value * 4:02x}80c0")
        for value in range(1, 61)
    ]
    return Image(array=array, axes="zyx", modality="CT", units="HU", affine=affine, bits=16), labels, heat, structures


def slice_changes(app: QApplication, view: ImageView) -> float:
    """Return the median time in ms from asking for a slice until it is painted."""
    times = []
    for index in range(20, 120):
        start = time.perf_counter()
        view.set_slice(index)
        view.viewport().repaint()
        app.processEvents()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def crosshair_drag(app: QApplication, view: ImageView, updates: int = 90) -> float:
    """Return updates a second of all four views while the pointer moves."""

    def mouse(kind: QEvent.Type, place: QPoint) -> None:
        point = QPointF(place)
        left = Qt.MouseButton.LeftButton
        QApplication.sendEvent(
            view.viewport(),
            QMouseEvent(kind, point, view.viewport().mapToGlobal(point), left, left, Qt.KeyboardModifier.NoModifier),
        )

    mouse(QEvent.Type.MouseButtonPress, QPoint(60, 60))
    start = time.perf_counter()
    for number in range(updates):
        mouse(QEvent.Type.MouseMove, QPoint(60 + 2 * number, 60 + 2 * number))
        app.processEvents()
    seconds = time.perf_counter() - start
    mouse(QEvent.Type.MouseButtonRelease, QPoint(240, 240))
    return updates / seconds


def main() -> None:
    app = QApplication([])
    theme.apply(app, "dark")
    image, labels, heat, structures = volume()
    view = ImageView()
    view.resize(SIDE, SIDE)
    view.show()
    view.set_image(image)
    app.processEvents()
    print(f"volume {SLICES} x {SIDE} x {SIDE}, view {SIDE} x {SIDE}, {os.cpu_count()} cores")
    for name, outline, heated in (
        ("areas", False, False),
        ("outlines", True, False),
        ("areas and heat map", False, True),
    ):
        view.set_segmentation(labels, structures, outline=outline)
        view.set_heatmap(heat if heated else None)
        median = slice_changes(app, view)
        share = median / BUDGET_MS
        print(f"slice change with {name}: median {median:.1f} ms, {share:.2f} of the budget of {BUDGET_MS:.0f} ms")
    grid = ViewGrid()
    grid.resize(856, 770)
    grid.set_layout(Layout.FOUR)
    grid.show()
    grid.set_image(image)
    grid.set_segmentation(labels, structures)
    grid.set_tool(Tool.CROSSHAIR)
    app.processEvents()
    rate = crosshair_drag(app, grid.views[0])
    times = rate / LEAST_UPDATES
    print(f"crosshair drag in 2x2: {rate:.0f} updates/s, {times:.1f} times the {LEAST_UPDATES:.0f} asked for")


if __name__ == "__main__":
    main()
