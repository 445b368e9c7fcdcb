from __future__ import annotations

import sys

import pytest

from installer.qt_libraries import PACKAGES, advice, installed


def test_nothing_missing_nothing_said() -> None:
    assert advice(PACKAGES) == ""


def test_what_is_missing_becomes_one_line_to_type() -> None:
    text = advice(set(PACKAGES) - {"libxcb-cursor.so.0", "libEGL.so.1"})
    assert text.splitlines()[-1].strip() == "sudo apt-get install libegl1 libxcb-cursor0"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a dynamic linker to ask")
def test_this_machine_knows_the_c_library() -> None:
    libraries = installed()
    assert libraries is not None
    assert any(name.startswith("libc.so") for name in libraries)
