"""Line icons in the colours of the theme."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize
from PySide6.QtGui import QIcon, QImageReader, QPixmap

from medtransfer.gui import theme
from medtransfer.resources import resource

_SHARPEST = 4  # rendered at four times the size, so that a screen of 200 % with a scale of 200 % shows no pixels


def icon(name: str, role: str = "muted") -> QIcon:
    """Return the icon ``resources/icons/NAME.svg`` in the colour of a role of the theme in force."""
    return QIcon(pixmap(name, role))


def pixmap(name: str, role: str = "muted", size: int = 16) -> QPixmap:
    """Return an icon as a picture of ``size`` by ``size`` logical pixels."""
    text = _source(name).replace("currentColor", theme.colour(role).name())
    buffer = QBuffer()
    buffer.setData(QByteArray(text.encode()))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer, QByteArray(b"svg"))
    reader.setScaledSize(QSize(size * _SHARPEST, size * _SHARPEST))
    made = QPixmap.fromImage(reader.read())
    made.setDevicePixelRatio(_SHARPEST)
    return made


@cache
def _source(name: str) -> str:
    return resource(f"icons/{name}.svg").read_text(encoding="utf-8")
