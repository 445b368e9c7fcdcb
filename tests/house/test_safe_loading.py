"""Nothing in medtransfer or its plug-ins runs what it reads: no pickle, no eval, no shell, no unchecked unpacking."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([*(ROOT / "medtransfer").rglob("*.py"), *(ROOT / "plugins").glob("*/*/**/*.py")])

UNSAFE_MODULES = {"pickle", "_pickle", "cloudpickle", "dill", "shelve", "marshal", "joblib", "jsonpickle"}
# Of these modules, names that only serve to recognise and refuse.
HARMLESS = {"pickle.UnpicklingError"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load"}


def dotted(node: ast.expr) -> str:
    """Return ``a.b.c`` for such an expression, else an empty text."""
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return node.id if isinstance(node, ast.Name) else ""


def is_true(call: ast.Call, keyword: str) -> bool:
    return any(item.arg == keyword and getattr(item.value, "value", None) is True for item in call.keywords)


def unsafe_call(call: ast.Call) -> str:
    name = dotted(call.func)
    last = call.func.attr if isinstance(call.func, ast.Attribute) else name
    if name in UNSAFE_CALLS or last in {"extractall", "unpack_archive"}:
        return f"{name or last} is called"
    if name == "torch.load" and not is_true(call, "weights_only"):
        return "torch.load without weights_only=True"
    for keyword in ("shell", "allow_pickle"):
        if any(item.arg == keyword and getattr(item.value, "value", None) is not False for item in call.keywords):
            return f"{keyword}= other than False"
    return ""


def offences(source: str) -> list[str]:
    """Return what is unsafe in a module's source, with line numbers."""
    found = []
    for node in ast.walk(ast.parse(source)):
        complaint = ""
        if isinstance(node, ast.Call):
            complaint = unsafe_call(node)
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            if node.module == "torch" and "torch.load" in names:
                complaint = "torch.load under another name escapes this check"
            elif (node.module or "").partition(".")[0] in UNSAFE_MODULES and not names <= HARMLESS:
                complaint = f"from {node.module} import ..."
        elif isinstance(node, ast.Import):
            hidden = [alias.name for alias in node.names if alias.name in UNSAFE_MODULES and alias.asname]
            complaint = f"import {hidden[0]} as ..." if hidden else ""
        elif isinstance(node, ast.Attribute):
            name = dotted(node)
            if name.partition(".")[0] in UNSAFE_MODULES and name not in HARMLESS:
                complaint = f"{name} is used"
        if complaint:
            found.append(f"line {getattr(node, 'lineno', 0)}: {complaint}")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_module_runs_what_it_reads(path: Path) -> None:
    assert offences(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import torch\ntorch.load(p)",
        "import torch\ntorch.load(p, weights_only=False)",
        "from torch import load",
        "import pickle\npickle.loads(b)",
        "import pickle as p",
        "from pickle import loads",
        "import joblib\njoblib.load(p)",
        "eval('1')",
        "exec(text)",
        "archive.extractall(folder)",
        "zipfile.ZipFile(p).extractall()",
        "shutil.unpack_archive(p)",
        "subprocess.run('ls', shell=True)",
        "subprocess.run('ls', shell=wanted)",
        "np.load(p, allow_pickle=True)",
        "os.system('ls')",
    ],
)
def test_the_check_finds_what_it_is_for(source: str) -> None:
    assert offences(source)


@pytest.mark.parametrize(
    "source",
    [
        "torch.load(p, map_location='cpu', weights_only=True)",
        "network.eval()",
        "import pickle\ntry:\n    read()\nexcept pickle.UnpicklingError:\n    raise",
        "np.load(p)",
        "np.load(p, allow_pickle=False)",
        "re.compile('x')",
        "subprocess.run(['ls'], check=True)",
    ],
)
def test_the_check_lets_safe_code_pass(source: str) -> None:
    assert offences(source) == []
