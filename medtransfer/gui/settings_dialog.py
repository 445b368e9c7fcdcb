"""The settings dialog, made from the declarations: every change counts at once and is kept."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from medtransfer.errors import MedTransferError
from medtransfer.gui import parts, theme
from medtransfer.gui.context import Context
from medtransfer.gui.settings import DECLARED, Choice, Number, Value

_CONTROL_WIDTH = 21


class SettingsDialog(QDialog):
    """One row for each setting, and the store's folder."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self.resize(theme.spacing(70), theme.spacing(60))
        self._settings = context.settings
        self.controls: dict[str, QWidget] = {}
        self.problem = parts.label("", "danger")
        self.problem.hide()
        page = parts.panel()
        grid = QGridLayout(page)
        grid.setContentsMargins(*[theme.spacing(2)] * 4)
        grid.setHorizontalSpacing(theme.spacing(3))
        grid.setVerticalSpacing(theme.spacing(2))
        grid.setColumnStretch(0, 1)
        for place, setting in enumerate(DECLARED):
            control = self._control(setting)
            control.setFixedWidth(theme.spacing(_CONTROL_WIDTH))
            control.setAccessibleName(setting.title)
            control.setAccessibleDescription(setting.description)
            self.controls[setting.name] = control
            grid.addWidget(_words(setting.title, setting.description), place, 0)
            grid.addWidget(control, place, 1, Qt.AlignmentFlag.AlignVCenter)
        folder = parts.button("Show the folder", partial(_open, str(context.home.root)))
        folder.setFixedWidth(theme.spacing(_CONTROL_WIDTH))
        about = f"{context.home.root}\nModels, plug-ins and jobs are kept here. Start with --home to use another one."
        grid.addWidget(_words("Store", about), len(DECLARED), 0)
        grid.addWidget(folder, len(DECLARED), 1, Qt.AlignmentFlag.AlignVCenter)
        grid.setRowStretch(len(DECLARED) + 1, 1)
        self._lay_out(page)
        theme.dress(self)
        context.settings.changed.connect(self._follow)

    def _lay_out(self, page: QWidget) -> None:
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(page)
        row = QHBoxLayout()
        row.setContentsMargins(theme.spacing(2), theme.spacing(), theme.spacing(2), theme.spacing(2))
        row.addWidget(self.problem, stretch=1)
        row.addStretch(1)
        row.addWidget(parts.button("Close", self.close, "primary"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(scroll)
        column.addLayout(row)

    def _control(self, setting: Choice | Number) -> QWidget:
        if isinstance(setting, Choice):
            return self._combo(setting)
        return self._spin(setting)

    def _combo(self, setting: Choice) -> QComboBox:
        combo = QComboBox()
        combo.setFont(theme.font())
        for value, text in setting.options.items():
            combo.addItem(text, value)
        combo.setCurrentIndex(combo.findData(self._settings.text(setting.name)))
        combo.currentIndexChanged.connect(lambda _index: self._set(setting.name, str(combo.currentData())))
        return combo

    def _spin(self, setting: Number) -> QSpinBox:
        spin = QSpinBox()
        spin.setFont(theme.font())
        spin.setRange(setting.minimum, setting.maximum)
        spin.setSingleStep(setting.step)
        spin.setSuffix(setting.unit)
        if setting.zero:
            spin.setSpecialValueText(setting.zero)
        spin.lineEdit().setTextMargins(theme.spacing(0.75), 0, 0, 0)
        spin.setKeyboardTracking(False)
        spin.setValue(self._settings.number(setting.name))
        spin.valueChanged.connect(lambda value: self._set(setting.name, value))
        return spin

    def _follow(self, name: str) -> None:
        """Show a setting that was changed elsewhere, such as the theme by its command."""
        control = self.controls[name]
        if isinstance(control, QComboBox):
            control.setCurrentIndex(control.findData(self._settings.text(name)))
        elif isinstance(control, QSpinBox):
            control.setValue(self._settings.number(name))

    def _set(self, name: str, value: Value) -> None:
        self.problem.hide()
        try:
            self._settings.set(name, value)
        except MedTransferError as error:
            self.problem.setText(error.shown())
            self.problem.show()


def _words(title: str, description: str) -> QWidget:
    widget = QWidget()
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2)
    column.addWidget(parts.label(title, weight=theme.MEDIUM))
    column.addWidget(parts.label(description, "muted", theme.SMALL_SIZE))
    return widget


def _open(folder: str) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(folder))
