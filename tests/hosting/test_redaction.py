"""Nothing that names a place or a data file gets through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtransfer.hosting.redaction import without_paths


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("cannot read /data/Doe_Jane/scan.dcm", "cannot read [path]"),
        ("cannot read '/data/Doe Jane/my scan.dcm'", "cannot read [path]"),
        ("open C:\\Users\\Jane\\x.nii.gz failed", "open [path] failed"),
        ('open "C:\\Users\\Jane Doe\\x.txt" failed', "open [path] failed"),
        ("\\\\server\\share\\doe went away", "[path] went away"),
        ("~/scans/doe and ./doe and ../doe", "[path] and [path] and [path]"),
        ("Doe_Jane.dcm is empty", "[file] is empty"),
        ("scans/Doe_Jane.png is empty", "[file] is empty"),
        ('File "/opt/python/medtransfer/worker/runner.py", line 3 in run', "File runner.py, line 3 in run"),
        ("epoch 3/20 at 12 images/s, loss 0.5", "epoch 3/20 at 12 images/s, loss 0.5"),
        ("sensitivity and/or specificity", "sensitivity and/or specificity"),
        ("red \x1b[31malert\x07", "red  [31malert "),
    ],
)
def test_paths_and_data_files_are_taken_out(text: str, safe: str) -> None:
    assert without_paths(text) == safe


NAMES = st.text(st.characters(categories=["L", "N"], include_characters="_-"), min_size=3, max_size=20)


@given(st.lists(NAMES, min_size=1, max_size=4), st.sampled_from(["dcm", "nii.gz", "png", "csv"]))
def test_no_part_of_a_path_survives(parts: list[str], suffix: str) -> None:
    safe = without_paths(f"before: /{'/'.join(parts)}.{suffix} after")
    assert safe == "before: [path] after"
