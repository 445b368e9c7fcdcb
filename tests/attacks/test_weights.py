"""Weights files that lie, are damaged, or hold a program: refused, named, and nothing of them run or left behind."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from medtransfer.contract.messages import Failed
from medtransfer.contract.weights import CONVERSION, catalogue_entry
from medtransfer.errors import DataError, EnvironmentFailure, MedTransferError
from medtransfer.transfer import backbones, convert, foreign

RESNET = catalogue_entry("resnet18.a1_in1k")


class Intruder:
    """Unpickled, it makes a folder: proof that code of the file was run."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.mark),)


def refused(source: Path) -> MedTransferError:
    """Convert a file that must be refused, assert that nothing was written, and return the error."""
    target = source.parent / "out" / "w.safetensors"
    target.parent.mkdir()
    with pytest.raises(MedTransferError) as caught:
        convert.convert(source, target, RESNET)
    assert list(target.parent.iterdir()) == []
    assert str(source.parent) not in caught.value.message + caught.value.hint
    assert caught.value.hint
    return caught.value


def torch_zip(path: Path, content: Any) -> None:
    torch.save(content, path)


def torch_legacy(path: Path, content: Any) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=False)


def plain_pickle(path: Path, content: Any) -> None:
    path.write_bytes(pickle.dumps(content))


@pytest.mark.parametrize("write", [torch_zip, torch_legacy, plain_pickle])
def test_a_pickle_with_code_is_refused_without_running_it(tmp_path: Path, write: Callable[[Path, Any], None]) -> None:
    mark = tmp_path / "intruded"
    source = tmp_path / "w.pth"
    write(source, {"state_dict": {"conv1.weight": torch.zeros(1)}, "extra": Intruder(mark)})
    error = refused(source)
    assert isinstance(error, DataError)
    assert error.code == "weights.code"
    assert error.subject == "w.pth"
    assert not mark.exists()
    pickle.loads(pickle.dumps(Intruder(mark)))  # noqa: S301 - proves that the pickle would have done it
    assert mark.is_dir()


def test_the_environment_cannot_switch_the_protection_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    torch.save({"extra": Intruder(tmp_path / "intruded")}, tmp_path / "w.pth")
    assert refused(tmp_path / "w.pth").code == "weights.code"
    assert not (tmp_path / "intruded").exists()


def test_the_message_names_what_the_file_asks_for(tmp_path: Path) -> None:
    torch.save({"extra": Intruder(tmp_path / "intruded")}, tmp_path / "w.pth")
    assert f"{os.mkdir.__module__}.mkdir" in refused(tmp_path / "w.pth").message


def test_a_whole_pickled_network_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "w.pth")
    assert refused(tmp_path / "w.pth").code == "weights.code"


def test_a_torchscript_program_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.pt", "w") as archive:
        archive.writestr("w/data.pkl", b"")
        archive.writestr("w/code/__torch__.py", b"")
    assert refused(tmp_path / "w.pt").code == "weights.code"


def test_numpy_objects_in_a_log_are_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"state_dict": {"a": torch.ones(1)}, "log": [np.float64(1.0), np.arange(3)]}, tmp_path / "w.pth")
    monkeypatch.setattr(np, "dtype", lambda *_: pytest.fail("numpy was called"))
    tensors, beside = foreign.read(tmp_path / "w.pth", "torch-zip")
    assert list(tensors) == ["a"]
    assert beside == ["log"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "weights.empty"),
        (b"\x00", "weights.not-weights"),
        (b"name,value\nconv1,0.1\n", "weights.not-weights"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "weights.not-weights"),
        (b"\xff" * 8 + b"{" + b"x" * 64, "weights.damaged"),
        (b"PK\x03\x04" + bytes(64), "weights.damaged"),
    ],
)
def test_files_that_are_no_weights(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "w.pth").write_bytes(content)
    assert refused(tmp_path / "w.pth").code == code


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    assert refused(tmp_path / "w.pth").code == "weights.missing"


def test_another_kind_of_zip_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        archive.writestr("readme.txt", b"no weights here")
    assert refused(tmp_path / "w.zip").code == "weights.not-weights"


def test_a_compressed_archive_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w/data.pkl", b"")
        archive.writestr("w/data/0", bytes(10**6))
    assert refused(tmp_path / "w.pth").code == "weights.inflated"


def test_a_tensor_that_repeats_one_number_a_million_times_is_refused(tmp_path: Path) -> None:
    torch.save({"conv1.weight": torch.zeros(1).expand(1000, 1000)}, tmp_path / "w.pth")
    assert refused(tmp_path / "w.pth").code == "weights.inflated"


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"conv1.weight": torch.zeros(100)}, tmp_path / "w.pth")
    monkeypatch.setattr(convert, "MAXIMUM_BYTES", 100)
    assert refused(tmp_path / "w.pth").code == "weights.too-large"


def test_a_file_without_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 1, "note": "no tensors"}, tmp_path / "w.pth")
    error = refused(tmp_path / "w.pth")
    assert error.code == "weights.no-tensors"
    assert "state_dict" in error.hint


def test_values_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    state = backbones.create("resnet18", 2).state_dict()
    state["layer1.0.conv1.weight"][0, 0, 0, 0] = torch.nan
    torch.save(state, tmp_path / "w.pth")
    error = refused(tmp_path / "w.pth")
    assert error.code == "weights.not-finite"
    assert "layer1.0.conv1.weight" in error.message


def test_weights_of_another_architecture_are_refused_at_import(tmp_path: Path) -> None:
    torch.save(backbones.create("mobilenetv3_small_050", 2).state_dict(), tmp_path / "w.pth")
    error = refused(tmp_path / "w.pth")
    assert error.code == "weights.other-architecture"
    assert "conv1.weight is not in the file" in error.message


def test_a_file_with_another_hash_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"anything")
    entry = catalogue_entry("tf_efficientnet_lite0.imagenet")
    with pytest.raises(DataError) as caught:
        convert.convert(tmp_path / "w.pth", tmp_path / "w.safetensors", entry)
    assert caught.value.code == "weights.checksum"
    assert entry.file in caught.value.hint


@pytest.mark.parametrize("write", [torch_zip, torch_legacy])
@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.filterwarnings("ignore")  # torch warns about some damages before it fails
def test_damaged_torch_files_are_read_or_refused(
    tmp_path: Path, write: Callable[[Path, Any], None], data: st.DataObject
) -> None:
    path = tmp_path / "w.pth"
    write(path, {"state_dict": nn.Linear(3, 2).state_dict(), "best": np.float64(0.5)})
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))]))
    try:
        tensors, _ = foreign.read(path, foreign.sniff(path))
    except DataError as error:
        assert error.code.startswith("weights.")  # noqa: PT017 - both outcomes are right
    else:
        assert tensors


@pytest.fixture
def good(tmp_path: Path) -> Path:
    torch.save(backbones.create("resnet18", 2).state_dict(), tmp_path / "w.pth")
    return tmp_path / "w.pth"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_shortened_file_is_refused(good: Path, share: float) -> None:
    os.truncate(good, int(good.stat().st_size * share))
    assert refused(good).code == "weights.damaged"


def test_a_full_disk_is_noticed_before_writing(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    error = refused(good)
    assert isinstance(error, EnvironmentFailure)
    assert error.code == "disk.full"


def test_a_disk_that_fills_while_writing_leaves_the_older_file(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = good.parent / "w.safetensors"
    target.write_bytes(b"older")

    def half(_tensors: object, path: Path, metadata: object = None) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", half)
    with pytest.raises(EnvironmentFailure) as caught:
        convert.convert(good, target, RESNET)
    assert caught.value.code == "weights.not-written"
    assert target.read_bytes() == b"older"
    assert sorted(path.name for path in good.parent.iterdir()) == ["w.pth", "w.safetensors"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a process's file size")
def test_a_real_quota_ends_in_a_clear_refusal(good: Path) -> None:
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6));"
        "from medtransfer.transfer.convert import main; sys.exit(main(sys.argv[1:]))"
    )
    target = good.parent / "w.safetensors"
    done = subprocess.run(
        [sys.executable, "-c", limited, str(good), str(target), "--name", RESNET.name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    answer = CONVERSION.validate_json(done.stdout)
    assert isinstance(answer, Failed)
    assert (answer.kind, answer.code) == ("environment", "weights.not-written")
    assert [path.name for path in good.parent.iterdir()] == ["w.pth"]


def test_the_command_line_tells_a_refusal_as_json(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    torch.save({"extra": Intruder(tmp_path / "intruded")}, tmp_path / "w.pth")
    status = convert.main([str(tmp_path / "w.pth"), str(tmp_path / "o.safetensors"), "--name", RESNET.name])
    answer = CONVERSION.validate_json(capfd.readouterr().out)
    assert status == 1
    assert isinstance(answer, Failed)
    assert (answer.kind, answer.code, answer.subject) == ("data", "weights.code", "w.pth")
    assert answer.hint
    assert not (tmp_path / "intruded").exists()


def test_the_command_line_tells_an_unknown_entry_as_json(good: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert convert.main([str(good), str(good.parent / "o.safetensors"), "--name", "resnet18"]) == 1
    answer = CONVERSION.validate_json(capfd.readouterr().out)
    assert isinstance(answer, Failed)
    assert answer.code == "weights.unknown"
