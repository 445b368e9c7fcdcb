"""The passport keeps what was noticed when the image was opened."""

from __future__ import annotations

from pathlib import Path

from medtransfer import study
from medtransfer.result.model import Notice, Passport


def test_the_checks_of_a_tilted_ct_survive_in_its_passport(data_folder: Path) -> None:
    (entry,) = study.open(data_folder / "dicom" / "head-ct-tilted")
    image = entry.series[0].image()
    passport = Passport(
        plugin="test.echo", plugin_version="1", model="m", model_sha256="0" * 64, parameters={}, versions={},
        device="cpu", runtime="torch", seed=0, created="2026-11-23T12:00:00+00:00",
        checks=tuple(map(Notice.of, image.checks)),
    )  # fmt: skip
    kept = Passport.model_validate_json(passport.model_dump_json()).checks
    said = [(c.code, c.level.value, c.message, c.fix) for c in image.checks]
    assert [(n.code, n.level, n.message, n.fix) for n in kept] == said
    assert {n.code for n in kept} == {"volume.gantry-tilt", "volume.changing-spacing"}
    assert all(n.fix for n in kept)
