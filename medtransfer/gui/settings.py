"""Settings, declared once: the file, the dialog and the checks are made from the declarations."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, Signal

from medtransfer.errors import EnvironmentFailure, UserError

if TYPE_CHECKING:
    from medtransfer.hosting.guard import WorkerOptions

Value = str | int
FILE = "settings.toml"


@dataclass(frozen=True)
class Choice:
    """A setting that is one of a few words; ``options`` maps each to what the person reads."""

    name: str
    title: str
    description: str
    default: str
    options: dict[str, str]

    def accepts(self, value: object) -> bool:
        """Say whether this is a value of the setting."""
        return isinstance(value, str) and value in self.options

    def allowed(self) -> str:
        """Say in words what it takes."""
        return f"one of {', '.join(self.options)}"


@dataclass(frozen=True)
class Number:
    """A setting that is a whole number; ``zero`` is what 0 is called where it means something of its own."""

    name: str
    title: str
    description: str
    default: int
    minimum: int
    maximum: int
    step: int = 1
    unit: str = ""
    zero: str = ""

    def accepts(self, value: object) -> bool:
        """Say whether this is a value of the setting."""
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and self.minimum <= int(str(value)) <= self.maximum

    def allowed(self) -> str:
        """Say in words what it takes."""
        return f"a whole number from {self.minimum} to {self.maximum}"


Setting = Choice | Number

QUALITY = Choice(
    "quality",
    "Detail in volumes",
    "Fast looks on a coarser grid, thorough looks several times: Read says what that costs with the model at hand.",
    "full",
    {"fast": "Fast", "full": "Full", "thorough": "Thorough"},
)
"""One of :data:`medtransfer.contract.requests.QUALITIES`, for plug-ins that segment volumes."""

DECLARED: tuple[Setting, ...] = (
    Choice(
        "theme",
        "Theme",
        "Dark suits a reading room, light a bright office.",
        "dark",
        {"dark": "Dark", "light": "Light"},
    ),
    Number(
        "scale",
        "Size of text and controls",
        "On top of what the system asks for. Applies when the window is opened the next time.",
        100,
        100,
        200,
        25,
        unit=" %",
    ),
    Choice(
        "device",
        "Compute on",
        "What networks run on. Automatic takes a graphics card where one is usable.",
        "auto",
        {"auto": "Automatic", "cpu": "Processor", "cuda": "NVIDIA graphics card"},
    ),
    Number(
        "threads",
        "Processor threads",
        "How many a plug-in may use at once. Fewer leave more for other programs.",
        0,
        0,
        os.cpu_count() or 1,
        zero="Automatic",
    ),
    Choice(
        "colour_map",
        "Heat map colours",
        "Both are even in brightness; cividis looks the same to colour-blind readers.",
        "inferno",
        {"inferno": "Inferno", "cividis": "Cividis"},
    ),
    QUALITY,
)
_BY_NAME = {setting.name: setting for setting in DECLARED}


class Settings(QObject):
    """The values in force. ``changed`` carries the name of a setting that has a new value.

    Values lie in ``settings.toml`` of the store. Where that file cannot be read or a value is wrong, the defaults
    count, and ``problem`` says so for the person to see.
    """

    changed = Signal(str)

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.path = home / FILE
        self.problem = ""
        self._values: dict[str, Value] = {setting.name: setting.default for setting in DECLARED}
        self._read()

    def names(self) -> list[str]:
        """Return the names of all settings."""
        return list(self._values)

    def get(self, name: str) -> Value:
        """Return the value of a setting."""
        return self._values[name]

    def text(self, name: str) -> str:
        """Return the value of a setting that is a word."""
        return str(self._values[name])

    def number(self, name: str) -> int:
        """Return the value of a setting that is a number."""
        return int(self._values[name])

    def worker_options(self) -> WorkerOptions:
        """Return how a plug-in's worker is to be run."""
        from medtransfer.hosting.guard import WorkerOptions, usable_cores

        device: Literal["auto", "cpu", "cuda"] = "auto"
        for known in ("cpu", "cuda"):
            if self.text("device") == known:
                device = known
        return WorkerOptions(device=device, threads=self.number("threads") or usable_cores())

    def set(self, name: str, value: Value) -> None:
        """Change a setting and keep it.

        Raises
        ------
        UserError
            When the setting does not take this value.
        EnvironmentFailure
            When the file cannot be written; the value counts until the window is closed.
        """
        setting = _BY_NAME[name]
        if not setting.accepts(value):
            raise UserError(
                f"the setting {name} cannot be {value!r}", code="settings.value", hint=f"It takes {setting.allowed()}."
            )
        if self._values[name] == value:
            return
        self._values[name] = value
        self.changed.emit(name)
        self._write()

    def _read(self) -> None:
        if not self.path.exists():
            return
        import tomllib

        try:
            read = tomllib.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.problem = "The settings file could not be read: the usual settings are in force."
            return
        wrong = [name for name, setting in _BY_NAME.items() if name in read and not setting.accepts(read[name])]
        if wrong:
            self.problem = f"The settings file has no usable value for {', '.join(wrong)}: the usual one is in force."
        self._values |= {name: read[name] for name in _BY_NAME if name in read and name not in wrong}

    def _write(self) -> None:
        import json

        from medtransfer.store.files import write_text

        lines = ["# Written by medtransfer's settings dialog."]
        for setting in DECLARED:
            value = self._values[setting.name]
            lines += ["", f"# {setting.title}: {setting.allowed()}", f"{setting.name} = {json.dumps(value)}"]
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_text(self.path, "\n".join(lines) + "\n")
        except OSError as error:
            raise EnvironmentFailure(
                "the settings could not be kept",
                code="settings.write",
                hint="Check that the store's folder may be written to. They count until the window is closed.",
                subject=str(self.path),
            ) from error
