"""Damage done to a file, the same for the same random numbers."""

from __future__ import annotations

import random
from collections.abc import Callable

Mutation = Callable[[bytearray, random.Random], None]

_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
_HEADER = 600
"""Headers are short and decide most: half of all damage is done to the first bytes."""


def mutated(content: bytes, numbers: random.Random) -> bytes:
    """Return the content with one to six kinds of damage."""
    found = bytearray(content)
    for _ in range(numbers.choice((1, 1, 1, 2, 3, 6))):
        if found:
            numbers.choice(_MUTATIONS)(found, numbers)
    return bytes(found)


def _place(content: bytearray, numbers: random.Random) -> int:
    end = len(content) if numbers.random() < 0.5 else min(len(content), _HEADER)
    return numbers.randrange(end)


def _flip(content: bytearray, numbers: random.Random) -> None:
    for _ in range(numbers.choice((1, 2, 8, 64))):
        content[_place(content, numbers)] ^= 1 << numbers.randrange(8)


def _byte(content: bytearray, numbers: random.Random) -> None:
    content[_place(content, numbers)] = numbers.randrange(256)


def _extreme(content: bytearray, numbers: random.Random) -> None:
    """Write a number that lengths and sizes dislike, in either byte order."""
    width, place = numbers.choice((1, 2, 4, 8)), _place(content, numbers)
    value = numbers.choice(_EXTREMES) % (1 << 8 * width)
    content[place : place + width] = value.to_bytes(width, numbers.choice(("little", "big")))


def _cut(content: bytearray, numbers: random.Random) -> None:
    del content[_place(content, numbers) :]


def _remove(content: bytearray, numbers: random.Random) -> None:
    place = _place(content, numbers)
    del content[place : place + numbers.choice((1, 2, 8, 100, 1000))]


def _repeat(content: bytearray, numbers: random.Random) -> None:
    place = _place(content, numbers)
    part = content[place : place + numbers.choice((4, 8, 64, 512))]
    content[place:place] = part * numbers.choice((1, 2, 50))


def _noise(content: bytearray, numbers: random.Random) -> None:
    place = _place(content, numbers)
    content[place:place] = numbers.randbytes(numbers.choice((1, 4, 32, 300)))


def _exchange(content: bytearray, numbers: random.Random) -> None:
    one, other, length = _place(content, numbers), _place(content, numbers), numbers.choice((2, 8, 40))
    content[one : one + length], content[other : other + length] = (
        content[other : other + length],
        content[one : one + length],
    )


_MUTATIONS: tuple[Mutation, ...] = (_flip, _byte, _extreme, _extreme, _cut, _remove, _repeat, _noise, _exchange)
