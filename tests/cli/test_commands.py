from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from medtransfer.store import models
from medtransfer.store.home import Home
from tests.cli.conftest import Command
from tests.conftest import BundleMaker, PictureMaker, TableMaker


@pytest.mark.parametrize("arguments", [[], ["scan.dcm"]])
def test_the_window_without_a_screen_is_refused_in_words(
    command: Command, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    for variable in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    answer = command(*arguments)
    assert answer.code == 1
    assert "no screen" in answer.err
    assert "medtransfer --help" in answer.err


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["analyse"], ["analyse", "--nonsense"], ["learn", "--plugin", "x"], ["model", "nonsense"]],
)
def test_wrong_usage_is_exit_code_2_with_help_and_no_traceback(command: Command, arguments: list[str]) -> None:
    answer = command(*arguments)
    assert answer.code == 2
    assert "Usage" in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("name", ["sr", "sc", "pdf"])
def test_a_format_of_a_later_version_is_wrong_usage_and_not_in_the_help(command: Command, name: str) -> None:
    answer = command("analyse", "x.png", "--plugin", "test.echo", "--out", "o", "--format", name)
    assert answer.code == 2
    assert "not in this version" in answer.err
    assert f",{name}" not in command("analyse", "--help").out


def test_an_unknown_format_names_those_that_exist(command: Command) -> None:
    answer = command("analyse", "x.png", "--plugin", "test.echo", "--out", "o", "--format", "json,gif")
    assert answer.code == 2
    assert "'gif'" in answer.err
    assert "json, csv, png" in answer.err


def test_an_error_is_subject_message_and_hint_on_standard_error(command: Command, tmp_path: Path) -> None:
    answer = command(
        "analyse", tmp_path / "gone.png", "--plugin", "test.echo", "--model", "no", "--out", tmp_path / "o"
    )
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.splitlines()[0] == "no: there is no such model"
    assert "model list" in answer.err
    assert "Traceback" not in answer.err


def test_home_may_stand_before_and_behind_the_command(
    command: Command, tmp_path: Path, make_bundle: BundleMaker
) -> None:
    models.publish(Home(tmp_path / "other"), make_bundle(), "eyes")
    for arguments in (
        ["--home", tmp_path / "other", "model", "list"],
        ["model", "list", "--home", tmp_path / "other"],
        ["model", "list", f"--home={tmp_path / 'other'}"],
    ):
        assert "eyes@1" in command(*arguments).out
    assert "nothing to list" in command("model", "list").out


def test_version(command: Command) -> None:
    answer = command("--version")
    assert (answer.code, answer.out.split()[0]) == (0, "medtransfer")


def test_open_shows_geometry_as_text_and_as_json(command: Command, tmp_path: Path, make_picture: PictureMaker) -> None:
    picture = make_picture(tmp_path / "eye.png")
    text = command("open", picture)
    assert text.code == 0
    assert "32 x 32 x 3" in text.out
    (study,) = json.loads(command("open", picture, "--json").out)
    (series,) = study["series"]
    assert series["geometry"]["shape"] == [32, 32, 3]
    assert series["geometry"]["spacing_mm"] is None
    assert series["source"]["names"] == ["eye.png"]


def test_open_lists_segmentations_below_the_series_that_they_lie_on(
    command: Command, tmp_path: Path, data_folder: Path
) -> None:
    folder = data_folder / "dicom" / "ct-with-seg"
    named = [folder / name for name in ("01.dcm", "02.dcm", "03.dcm", "liver.dcm")]
    (study,) = json.loads(command("open", *named, "--json").out)
    (liver,) = study["series"][0]["annotations"]
    assert (liver["kind"], liver["description"], liver["error"]) == ("segmentation", "Liver Segmentation", None)
    assert liver["structures"][0]["volume_ml"] == 70.362
    text = command("open", *named, folder / "sparse-labelmap-ppv5.dcm")
    assert "segmentation  liver.dcm" in text.out
    assert "Liver: 70.362 ml" in text.out
    assert text.code == 3
    assert "sparse-labelmap-ppv5.dcm: the segmentation lies on images that are not here" in text.err


def test_open_reads_what_it_can_and_says_what_it_cannot(
    command: Command, tmp_path: Path, make_picture: PictureMaker
) -> None:
    make_picture(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    answer = command("open", tmp_path)
    assert answer.code == 3
    assert "good.png" in answer.out
    assert "bad.png" in answer.err


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x89PNG\r\n\x1a\n broken", bytes(128) + b"DICM" + b"\xff" * 40])
def test_a_broken_file_is_an_error_that_names_it(command: Command, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "scan.dcm").write_bytes(content)
    answer = command("open", tmp_path / "scan.dcm")
    assert answer.code in {1, 3}
    assert "scan.dcm" in answer.out + answer.err
    assert "Traceback" not in answer.err


def test_plugin_list_and_info(command: Command) -> None:
    answer = command("plugin", "list")
    assert "test.echo" in answer.out
    assert "ready" in answer.out
    entries = {entry["id"]: entry for entry in json.loads(command("plugin", "list", "--json").out)}
    assert entries["test.echo"]["usable"] is True
    info = command("plugin", "info", "test.echo").out
    assert "Tests of medtransfer." in info
    assert json.loads(command("plugin", "info", "test.echo", "--json").out)["manifest"]["can"]["learn"] is True
    assert command("plugin", "info", "test.nobody").code == 2


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('name = "Echo"', 'name = "Echo"\ncolour = "red"', "colour"),
        ("maximum = 1", "maximum = 1 }\nunused = { a = 1", "unused"),
        ("minimum = 1, maximum = 1", "minimum = 7, maximum = 9", "contract 7"),
        ("manifest = 1", "manifest = 2", "format 2"),
    ],
    ids=["unknown key", "another unknown key", "newer contract", "newer manifest"],
)
def test_a_bad_manifest_is_listed_with_the_reason(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, reason: str
) -> None:
    source = Path(__file__).parents[1] / "plugins" / "echo" / "medtransfer_echo" / "medtransfer-plugin.toml"
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / source.name).write_text(source.read_text().replace(old, new, 1))
    monkeypatch.setenv("MEDTRANSFER_PLUGIN_PATH", str(folder))
    answer = command("plugin", "list")
    assert answer.code == 0
    assert reason in answer.out


def test_disabling_and_enabling(command: Command, tmp_path: Path, make_picture: PictureMaker) -> None:
    assert command("plugin", "disable", "test.echo").code == 0
    assert "disabled" in command("plugin", "list").out
    answer = command("analyse", make_picture(tmp_path / "a.png"), "--plugin", "test.echo", "--out", tmp_path / "o")
    assert answer.code == 2
    assert "disabled" in answer.err
    assert command("plugin", "enable", "test.echo").code == 0
    assert "disabled" not in command("plugin", "list").out


def test_models_are_imported_shown_compared_exported_and_deleted(
    command: Command, tmp_path: Path, make_bundle: BundleMaker
) -> None:
    assert "imported as eyes@1" in command("model", "import", make_bundle(seed=1), "--name", "eyes").out
    assert "imported as eyes@2" in command("model", "import", make_bundle(seed=2), "--name", "eyes").out
    listed = json.loads(command("model", "list", "--json").out)
    assert [model["reference"] for model in listed] == ["eyes@1", "eyes@2"]
    assert "9 cases of 9 patients" in command("model", "show", "eyes").out
    assert json.loads(command("model", "show", "eyes@1", "--json").out)["seed"] == 1
    assert "bright" in command("model", "compare", "eyes@1", "eyes@2").out
    assert command("model", "export", "eyes@1", "--out", tmp_path / "eyes.zip").code == 0
    assert "imported as again@1" in command("model", "import", tmp_path / "eyes.zip", "--name", "again").out
    assert command("model", "delete", "eyes@2").code == 0
    assert [model["reference"] for model in json.loads(command("model", "list", "--json").out)] == ["again@1", "eyes@1"]


def test_a_file_of_weights_that_nobody_knows_is_refused(command: Command, tmp_path: Path) -> None:
    save_file({"layer.weight": np.zeros((2, 2), dtype=np.float32)}, tmp_path / "mystery.safetensors")
    answer = command("model", "import", tmp_path / "mystery.safetensors")
    assert answer.code == 1
    assert "mystery.safetensors" in answer.err
    assert "--name" in answer.err
    assert command("model", "list", "--json").out.strip() == "[]"


def test_a_file_that_is_a_program_is_refused_as_one(command: Command, tmp_path: Path) -> None:
    (tmp_path / "mystery.pth").write_bytes(b"\x80\x04K\x01.")
    answer = command("model", "import", tmp_path / "mystery.pth")
    assert answer.code == 1
    assert "mystery.pth" in answer.err
    assert "nothing of it was run" in answer.err


def test_analyse_prints_findings(
    command: Command, tmp_path: Path, make_picture: PictureMaker, make_bundle: BundleMaker
) -> None:
    command("model", "import", make_bundle(), "--name", "eyes")
    out = tmp_path / "out"
    answer = command(
        "analyse", make_picture(tmp_path / "a.png"), "--plugin", "test.echo", "--explain", "all", "--out", out
    )
    assert answer.code == 0
    assert "0.750" in answer.out
    written = {file.name for file in out.iterdir()}
    assert written >= {"result.json", "findings.csv", "heatmap-bright.npy", "heatmap-bright.png"}
    assert command("rerun", out).code == 0
    assert command("rerun", tmp_path).code == 1


def test_learn_prints_the_split_and_the_model(command: Command, tmp_path: Path, make_table: TableMaker) -> None:
    answer = command(
        "learn", "--plugin", "test.echo", "--data", make_table(tmp_path / "c"), "--out", tmp_path / "out",
        "--recipe", "quick", "--set", "epochs=3",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    assert "48 cases of 24 patients, split by patient" in answer.err
    assert "published as echo@1" in answer.out
    assert json.loads(command("model", "show", "echo", "--json").out)["recipe"]["epochs"] == 3


def test_a_setting_without_a_value_is_wrong_usage(command: Command, tmp_path: Path) -> None:
    answer = command("learn", "--plugin", "test.echo", "--data", tmp_path, "--out", tmp_path / "o", "--set", "epochs")
    assert answer.code == 2
    assert "KEY=VALUE" in answer.err


def test_no_log_line_names_a_file_or_a_folder(
    command: Command, home: Home, tmp_path: Path, make_picture: PictureMaker, make_bundle: BundleMaker
) -> None:
    command("model", "import", make_bundle(), "--name", "eyes")
    make_picture(tmp_path / "Doe_Jane" / "Doe_Jane.png")
    (tmp_path / "Doe_Jane" / "Doe_John.png").write_bytes(b"broken")
    assert command("batch", tmp_path / "Doe_Jane", "--plugin", "test.echo", "--out", tmp_path / "out").code == 3
    command("analyse", tmp_path / "Doe_Jane" / "Doe_John.png", "--plugin", "test.echo", "--out", tmp_path / "o2")
    logged = "".join(file.read_text() for file in home.logs.glob("*"))
    assert "batch.done" in logged
    assert "Doe" not in logged
    assert str(tmp_path) not in logged
