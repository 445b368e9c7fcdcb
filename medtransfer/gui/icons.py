"""Line icons in the colours of the theme."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QBuffer, QByteArray, QEvent, QIODevice, QObject, QSize
from PySide6.QtGui import QIcon, QImageReader, QPixmap
from PySide6.QtWidgets import QAbstractButton, QLabel

from medtransfer.gui import theme
from medtransfer.resources import resource

_SHARPEST = 4  # rendered at four times the size, so that a screen of 200 % with a scale of 200 % shows no pixels


def icon(name: str, role: str = "muted") -> QIcon:
    """Return the icon ``resources/icons/NAME.svg`` in the colour of a role of the theme in force."""
    return QIcon(pixmap(name, role))


def put(widget: QAbstractButton | QLabel, name: str, role: str = "muted") -> None:
    """Give a button or a label an icon that takes the colour of its role again whenever the theme changes."""
    _Follower(widget, name, role).draw()


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


class _Follower(QObject):
    """Draws a widget's icon anew when the style sheet, and with it the theme, has changed."""

    def __init__(self, widget: QAbstractButton | QLabel, name: str, role: str) -> None:
        super().__init__(widget)
        self._widget = widget
        self._name = name
        self._role = role
        self._drawn_in: theme.Name | None = None
        widget.installEventFilter(self)

    def draw(self) -> None:
        """Draw the icon in the theme in force."""
        if self._drawn_in == theme.current():
            return
        self._drawn_in = theme.current()
        if isinstance(self._widget, QLabel):
            self._widget.setPixmap(pixmap(self._name, self._role))
        else:
            self._widget.setIcon(icon(self._name, self._role))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802, ARG002 - Qt's name and signature
        """Look for a change of style."""
        if event.type() == QEvent.Type.StyleChange:
            self.draw()
        return False


@cache
def _source(name: str) -> str:
    return resource(f"icons/{name}.svg").read_text(encoding="utf-8")
