"""Read the data in a pickle without unpickling it: an interpreter of the few instructions that describe data.

nnU-Net v1 keeps its plan as a pickle, and a pickle is a program for Python's unpickler. Here its instructions, as
``pickletools`` lists them, are followed by hand: dictionaries, lists, tuples and plain values are made; numpy's scalars
and arrays are decoded from their bytes; nothing is imported and nothing that the file names is called.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable, Mapping
from typing import Any

_ORDERED_DICT = "collections.OrderedDict"
_NUMPY = ("numpy.core.multiarray.", "numpy._core.multiarray.")
_FORMATS: Mapping[str, str] = {
    "f8": "d",
    "f4": "f",
    "f2": "e",
    "i8": "q",
    "i4": "i",
    "i2": "h",
    "i1": "b",
    "u8": "Q",
    "u4": "I",
    "u2": "H",
    "u1": "B",
    "b1": "?",
}
_VALUES = frozenset(
    (
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8"),
    )
)
_CONSTANTS: Mapping[str, object] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_IGNORED = frozenset({"PROTO", "FRAME", "STOP"})
_DAMAGES = (ValueError, LookupError, TypeError, AttributeError, struct.error, RecursionError, OverflowError)
_MARK = object()


class NotDataError(ValueError):
    """The pickle names something that is not data; ``args[0]`` is its dotted name."""


class DamagedError(ValueError):
    """The pickle ends early, or its instructions make no sense."""


class _Name(str):
    """Something that the pickle wants imported."""

    __slots__ = ()


class _Type:
    """numpy's description of a number: a letter with the bytes it takes, and their order."""

    def __init__(self, code: str) -> None:
        self.format = _FORMATS[code.lstrip("<>|=")]
        self.order = ">" if code.startswith(">") else "<"

    def values(self, raw: bytes) -> list[Any]:
        count = len(raw) // struct.calcsize(f"<{self.format}")
        return list(struct.unpack(f"{self.order}{count}{self.format}", raw))


class _Array(list[Any]):
    """A numpy array as the list of its values in row-major order."""


def read(content: bytes) -> object:
    """Return what a pickle describes, made of dict, list, tuple, str, bytes, int, float, bool and None.

    Raises
    ------
    NotDataError
        When it asks for anything to be called beside what builds ordered dictionaries and numpy's numbers.
    DamagedError
        When it is no whole pickle.
    """
    machine = _Machine()
    try:
        for operation, argument, _ in pickletools.genops(content):
            machine.follow(operation.name, argument)
        return machine.stack.pop()
    except NotDataError:
        raise
    except _DAMAGES as error:
        raise DamagedError("the pickle is damaged") from error


class _Machine:
    """The unpickler's stack and memory."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._memory: dict[int, Any] = {}
        self._simple: Mapping[str, Callable[[], None]] = {
            "EMPTY_DICT": lambda: self.stack.append({}),
            "EMPTY_LIST": lambda: self.stack.append([]),
            "EMPTY_TUPLE": lambda: self.stack.append(()),
            "MARK": lambda: self.stack.append(_MARK),
            "MEMOIZE": lambda: self._memory.__setitem__(len(self._memory), self.stack[-1]),
            "DICT": lambda: self.stack.append(_pairs(self._above_mark())),
            "LIST": lambda: self.stack.append(self._above_mark()),
            "TUPLE": lambda: self.stack.append(tuple(self._above_mark())),
            "TUPLE1": lambda: self._tuple(1),
            "TUPLE2": lambda: self._tuple(2),
            "TUPLE3": lambda: self._tuple(3),
            "APPEND": lambda: self._extend([self.stack.pop()]),
            "APPENDS": lambda: self._extend(self._above_mark()),
            "SETITEM": lambda: self._update([self.stack.pop(-2), self.stack.pop()]),
            "SETITEMS": lambda: self._update(self._above_mark()),
            "STACK_GLOBAL": lambda: self.stack.append(_allowed(f"{self.stack.pop(-2)}.{self.stack.pop()}")),
            "REDUCE": self._reduce,
            "BUILD": self._build,
        }

    def follow(self, name: str, argument: Any) -> None:
        """Carry out one instruction."""
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in {"PUT", "BINPUT", "LONG_BINPUT"}:
            self._memory[argument] = self.stack[-1]
        elif name in {"GET", "BINGET", "LONG_BINGET"}:
            self.stack.append(self._memory[argument])
        elif name == "GLOBAL":
            self.stack.append(_allowed(str(argument).replace(" ", ".")))
        elif name in self._simple:
            self._simple[name]()
        elif name not in _IGNORED:
            raise NotDataError(f"the pickle instruction {name}")

    def _above_mark(self) -> list[Any]:
        taken = []
        while (value := self.stack.pop()) is not _MARK:
            taken.append(value)
        return taken[::-1]

    def _tuple(self, length: int) -> None:
        self.stack[-length:] = [tuple(self.stack[-length:])]

    def _extend(self, values: list[Any]) -> None:
        _require(self.stack[-1], list).extend(values)

    def _update(self, items: list[Any]) -> None:
        _require(self.stack[-1], dict).update(_pairs(items))

    def _reduce(self) -> None:
        arguments = _require(self.stack.pop(), tuple)
        self.stack.append(_called(_require(self.stack.pop(), _Name), arguments))

    def _build(self) -> None:
        state = _require(self.stack.pop(), tuple)
        target = self.stack[-1]
        if isinstance(target, _Type):
            target.order = ">" if state[1] == ">" else "<"
        else:
            _require(target, _Array).extend(_require(state[2], _Type).values(_require(state[4], bytes)))


def _allowed(name: str) -> _Name:
    plain = name
    for prefix in _NUMPY:
        plain = plain.replace(prefix, "numpy.", 1) if plain.startswith(prefix) else plain
    if plain not in {_ORDERED_DICT, "numpy.dtype", "numpy.ndarray", "numpy.scalar", "numpy._reconstruct"}:
        raise NotDataError(name[:100])
    return _Name(plain)


def _called(name: _Name, arguments: tuple[Any, ...]) -> object:
    """Return what calling an allowed name would give, as plain data."""
    if name == _ORDERED_DICT:
        return dict(*arguments)
    if name == "numpy.dtype":
        return _Type(arguments[0])
    if name == "numpy._reconstruct":
        return _Array()
    if name == "numpy.scalar":
        (value,) = _require(arguments[0], _Type).values(arguments[1])
        return value
    raise NotDataError(str(name))


def _pairs(items: list[Any]) -> dict[Any, Any]:
    return dict(zip(items[::2], items[1::2], strict=True))


def _require(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"a {kind.__name__} was expected")
    return value
