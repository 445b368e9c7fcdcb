"""Damaged files give an image or a refusal: a short campaign with a fixed seed; the long one is a script."""

from __future__ import annotations

from tests.attacks.fuzzing.campaign import HANG_S, planned, run
from tests.attacks.fuzzing.child import damaged
from tests.attacks.fuzzing.corpus import KINDS


def test_damaged_files_are_opened_or_refused() -> None:
    report = run(planned(sorted(KINDS), 600, seed=20261123))
    assert report.failures == []
    assert report.slowest_s < HANG_S
    assert report.outcomes["opened"] > 60
    assert sum(count for what, count in report.outcomes.items() if what.startswith("refused")) > 200


def test_the_damage_can_be_done_again() -> None:
    for kind in KINDS:
        assert damaged(kind, 5, 17) == damaged(kind, 5, 17)
        assert damaged(kind, 5, 17) != damaged(kind, 6, 17)
