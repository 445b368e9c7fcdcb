from __future__ import annotations

import re
from pathlib import Path

from installer.refresh_constraints import declared, installed_closure

ROOT = Path(__file__).resolve().parents[2]


def test_the_closure_follows_extras_and_markers() -> None:
    closure = installed_closure(["pytest", "not-there-at-all", 'rich; python_version < "3"'])
    assert {"pytest", "pluggy", "iniconfig"} <= set(closure)
    assert "rich" not in closure
    assert "not-there-at-all" not in closure


def test_every_declared_requirement_is_pinned_exactly() -> None:
    lines = (ROOT / "installer" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[0-9][0-9a-z.]*", pin) for pin in pins), "exact, and free of local paths"
    names = {pin.partition("==")[0] for pin in pins}
    wanted = {
        re.split(r"[\s<>=!\[;]", text)[0].lower().replace("_", "-") for text in declared([ROOT / "pyproject.toml"])
    }
    assert wanted <= names
    assert not any(name.startswith("nvidia-") for name in names)
