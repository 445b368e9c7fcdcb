"""Figures as people should read them: two decimals, always with their interval, and words where there is no figure."""

from __future__ import annotations

from datetime import UTC, datetime

from medtransfer.contract.evaluation import Grade, Interval, LabelEvaluation
from medtransfer.result.model import Passport

TOO_FEW = "too few cases to say"
_DASH = "\u2013"
_MINUS = "\u2212"


def figure(value: float) -> str:
    """Return a figure with two decimals: more would pretend to a precision that a clinic's cohort cannot give."""
    return f"{value:z.2f}".replace("-", _MINUS)


def interval(entry: Interval | None) -> str:
    """Return ``0.91 (0.85-0.96)``; without bounds the value alone, and words when there is no value."""
    if entry is None:
        return "not defined"
    found = bounds(entry)
    return f"{figure(entry.value)} ({found})" if found else figure(entry.value)


def bounds(entry: Interval) -> str:
    """Return ``0.85-0.96``, empty when there are no bounds."""
    return "" if entry.low is None or entry.high is None else f"{figure(entry.low)}{_DASH}{figure(entry.high)}"


def signed(value: float) -> str:
    """Return a difference with its sign and two decimals."""
    return f"{value:+z.2f}".replace("-", _MINUS)


def graded(entry: LabelEvaluation, metric: str) -> str:
    """Return a label's figure, or that there are too few cases to say."""
    return TOO_FEW if entry.grade == "none" else interval(entry.metrics.get(metric))


def grade(value: Grade) -> str:
    """Return what a grade means."""
    return {
        "none": "too few, under 20 positive patients",
        "exploratory": "exploratory, 20 to 99 positive patients",
        "estimate": "estimate, 100 or more positive patients",
    }[value]


def moment(iso: str) -> str:
    """Return ``2026-11-23 10:00 UTC`` for an ISO 8601 time, or what was given when it is none."""
    try:
        return datetime.fromisoformat(iso).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return iso


def computed_by(passport: Passport) -> str:
    """Return what computed a result as its makers write it."""
    return passport.runtime.replace("openvino", "OpenVINO").replace("torch", "PyTorch")


def counted(number: int, noun: str) -> str:
    """Return ``"1 case"`` or ``"1,200 cases"``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
