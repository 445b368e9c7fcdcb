"""The host opens studies and lists plug-ins and models without the networks' libraries: fast, and whatever they do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from medtransfer.resources import resource

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    *("torch", "torchvision", "timm", "openvino", "sklearn", "lightning_fabric", "monai"),
    *("medtransfer.inference", "medtransfer.transfer", "medtransfer.worker", "medtransfer.sdk"),
)
# Runs one command as `medtransfer ARGS` does, then says on the last line which of the heavy modules came along.
PROBE = """
import json, sys
from medtransfer.cli.main import main
heavy = json.loads(sys.argv.pop(1))
try:
    main()
except SystemExit as leaving:
    code = leaving.code
print()
print(json.dumps({"code": code, "loaded": [name for name in heavy if name in sys.modules]}))
"""


def probe(home: Path, *arguments: str) -> tuple[str, dict[str, object]]:
    """Return what a command printed, and its exit code with the heavy modules that it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps(HEAVY), *arguments],
        cwd=ROOT,
        env={**os.environ, "MEDTRANSFER_HOME": str(home), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stdout, done.stderr
    *shown, last = done.stdout.strip().splitlines()
    return "\n".join(shown), json.loads(last)


@pytest.mark.parametrize("arguments", [["--help"], ["plugin", "list"], ["model", "list"], ["model", "list", "--json"]])
def test_listing_needs_no_network_library(tmp_path: Path, arguments: list[str]) -> None:
    _, outcome = probe(tmp_path, *arguments)
    assert outcome == {"code": 0, "loaded": []}


def test_opening_a_picture_needs_no_network_library(tmp_path: Path) -> None:
    shown, outcome = probe(tmp_path, "open", str(resource("demo/retina.jpg")))
    assert outcome == {"code": 0, "loaded": []}
    assert "1411" in shown


def test_the_probe_would_see_torch() -> None:
    """Guards the guard: the names that are looked for are those that an import leaves behind."""
    code = "import sys, torch, timm, sklearn; print([n for n in ('torch', 'timm', 'sklearn') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "['torch', 'timm', 'sklearn']", done.stderr
