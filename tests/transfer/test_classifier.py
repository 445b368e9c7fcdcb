from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from torch import Tensor

from medtransfer import sdk, study
from medtransfer.cohort.model import Case
from medtransfer.contract.bundle import ModelBundle
from medtransfer.errors import DataError, PluginError, UserError
from medtransfer.inference import runtime
from medtransfer.result import compare
from medtransfer.result.model import Result
from medtransfer.study.model import Image
from medtransfer.transfer import calibration
from medtransfer.transfer.answering import Answerer, Explained
from tests.transfer import small
from tests.transfer.small import PlainContext, Small


def opened(path: Path) -> Image:
    return study.open(path)[0].series[0].image()


@pytest.fixture(scope="module")
def image(pictures: Path) -> Image:
    return opened(pictures.parent / "3L.png")


@pytest.fixture(scope="module")
def explicable(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """A model of which one answer has a heat map: of a network with random weights not every answer has one."""
    return small.learn(pictures, PlainContext(tmp_path_factory.mktemp("explicable")), tune="head")


def analyse(
    image: Image, bundle: ModelBundle, ctx: PlainContext, plugin: Small | None = None, **changes: object
) -> Result:
    return (plugin or Small()).analyse(image, bundle, small.request(bundle, **changes), ctx)


def test_every_label_gets_a_calibrated_answer(image: Image, trained: ModelBundle, tmp_path: Path) -> None:
    result = analyse(image, trained, PlainContext(tmp_path))
    assert [finding.label for finding in result.findings] == ["bright", "red"]
    for finding, label in zip(result.findings, trained.card.labels, strict=True):
        assert finding.logit is not None
        expected = calibration.apply(label.calibration, np.array([finding.logit]))[0]
        assert finding.probability == pytest.approx(expected)
        assert finding.threshold == label.threshold
        assert finding.positive == (finding.probability >= label.threshold)
        assert finding.uncertainty is not None
        assert 0 < finding.uncertainty < 0.5
    passport = result.passport
    assert (passport.plugin, passport.model_sha256, passport.seed) == ("test.small", trained.sha256, 2026)
    assert (passport.device, passport.runtime) == ("cpu", "torch, 1 thread")
    assert {"medtransfer", "test.small", "torch", "timm", "numpy"} <= passport.versions.keys()


def test_both_runtimes_agree(pictures: Path, trained: ModelBundle, tmp_path: Path) -> None:
    for name in ("1L.png", "2R.png", "4L.png"):
        image = opened(pictures.parent / name)
        torch_result = analyse(image, trained, PlainContext(tmp_path))
        openvino = analyse(image, trained, PlainContext(tmp_path, runtime="openvino"))
        assert openvino.passport.runtime.startswith("openvino")
        for one, other in zip(torch_result.findings, openvino.findings, strict=True):
            assert one.probability == pytest.approx(other.probability, abs=1e-3)


def test_torch_steps_in_where_openvino_cannot(
    image: Image, trained: ModelBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PluginError("cannot", code="runtime.convert", hint="-")

    monkeypatch.setattr(runtime, "_converted", refuse)
    ctx = PlainContext(tmp_path, runtime="openvino")
    assert analyse(image, trained, ctx).passport.runtime.startswith("torch")
    assert ctx.lines == [("warning", "OpenVINO cannot run this network: torch does")]
    monkeypatch.setattr(runtime, "compile_network", refuse)
    with pytest.raises(PluginError):
        analyse(image, trained, PlainContext(tmp_path))


@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_the_same_picture_gets_the_same_answer_bit_for_bit(
    image: Image, explicable: ModelBundle, tmp_path: Path, engine: str
) -> None:
    ctx = PlainContext(tmp_path, runtime="openvino" if engine == "openvino" else "torch")
    plugin = Small()
    first = analyse(image, explicable, ctx, plugin, explain=["all"])
    warm = analyse(image, explicable, ctx, plugin, explain=["all"])
    fresh = analyse(image, explicable, ctx, explain=["all"])
    assert first.heatmaps
    assert compare.differences(first, warm) == []
    assert compare.differences(first, fresh) == []


def test_a_warm_model_is_not_loaded_again(
    image: Image, trained: ModelBundle, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []
    load = Answerer.load

    def counted(bundle: ModelBundle, ctx: PlainContext) -> Answerer:
        loads.append(bundle.sha256)
        return load(bundle, ctx)

    monkeypatch.setattr(Answerer, "load", counted)
    plugin, ctx = Small(), PlainContext(tmp_path)
    for _ in range(3):
        analyse(image, trained, ctx, plugin)
    assert loads == [trained.sha256]
    other = small.learn(pictures, PlainContext(tmp_path / "other"), ("bright",), tune="head")
    assert [finding.label for finding in analyse(image, other, ctx, plugin).findings] == ["bright"]
    assert loads == [trained.sha256, other.sha256]


def test_heat_maps_lie_on_the_picture_and_are_zero_outside_the_region(
    image: Image, explicable: ModelBundle, tmp_path: Path
) -> None:
    result = analyse(image, explicable, PlainContext(tmp_path), explain=["all"])
    shown = {heatmap.info.label for heatmap in result.heatmaps}
    empty = {notice.message.partition(":")[0] for notice in result.notices if notice.code == "explain.empty"}
    assert shown | empty == {"bright", "red"}
    assert shown
    for heatmap in result.heatmaps:
        assert heatmap.array.shape == (48, 50)
        assert heatmap.array.dtype == np.float32
        assert not heatmap.array[:, :2].any()
        assert 0 <= heatmap.array.min() < 0.5 < heatmap.array.max() <= 1
        assert heatmap.info.method == "Grad-CAM"
        assert heatmap.info.raw_maximum > 0
        assert heatmap.info.faithfulness is not None


def test_only_what_was_asked_for_is_explained(image: Image, trained: ModelBundle, tmp_path: Path) -> None:
    ctx, plugin = PlainContext(tmp_path), Small()

    def explained(*labels: str) -> set[str]:
        result = analyse(image, trained, ctx, plugin, explain=list(labels), faithfulness=False, uncertainty=False)
        assert all(heatmap.info.faithfulness is None for heatmap in result.heatmaps)
        assert all(finding.uncertainty is None for finding in result.findings)
        empty = {notice.message.partition(":")[0] for notice in result.notices if notice.code == "explain.empty"}
        return {heatmap.info.label for heatmap in result.heatmaps} | empty

    assert explained() == set()
    assert explained("red") == {"red"}
    assert explained("red", "bright") == {"red", "bright"}
    positive = {finding.label for finding in analyse(image, trained, ctx, plugin).findings if finding.positive}
    assert explained("positive") == positive


def test_an_unknown_label_to_explain_is_refused(image: Image, trained: ModelBundle, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        analyse(image, trained, PlainContext(tmp_path), explain=["red", "nonsense"])
    assert caught.value.code == "explain.unknown-label"
    assert "nonsense" in caught.value.message
    assert "bright, red" in caught.value.hint


def test_an_empty_map_is_said_and_not_shown(
    image: Image, explicable: ModelBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    explain = Answerer.explain

    def flat(self: Answerer, label: str, batch: Tensor, _explainer: str) -> list[Explained]:
        cam = explain(self, label, batch)[0].cam
        return [Explained(sdk.GradCam(cam.maps * 0, cam.raw * 0, cam.logits, cam.layer))]

    monkeypatch.setattr(Answerer, "explain", flat)
    result = analyse(image, explicable, PlainContext(tmp_path), explain=["all"])
    assert result.heatmaps == ()
    assert [notice.code for notice in result.notices].count("explain.empty") == 2


def test_a_model_for_other_pictures_is_refused(image: Image, trained: ModelBundle, tmp_path: Path) -> None:
    class Other(Small):
        crop = "none"

    with pytest.raises(UserError) as caught:
        analyse(image, trained, PlainContext(tmp_path), Other())
    assert caught.value.code == "model.preprocessing"


def test_synthetic_pictures_and_models_are_called_so(
    image: Image, trained: ModelBundle, pictures: Path, tmp_path: Path
) -> None:
    assert not [n for n in analyse(image, trained, PlainContext(tmp_path)).notices if "synthetic" in n.code]
    (pictures.parent / "SYNTHETIC.txt").write_text("drawn")
    try:
        model = small.learn(pictures, PlainContext(tmp_path), ("bright",), tune="head")
    finally:
        (pictures.parent / "SYNTHETIC.txt").unlink()
    result = analyse(image, model, PlainContext(tmp_path), synthetic=True)
    codes = {notice.code: notice.level for notice in result.notices}
    assert codes["model.synthetic"] == "warning"
    assert codes["image.synthetic"] == "info"


def test_a_case_must_be_one_picture(pictures: Path, trained: ModelBundle, tmp_path: Path) -> None:
    for name in ("a", "b"):
        Pillow.new("RGB", (40, 40)).save(tmp_path / f"{name}.png")
    with pytest.raises(DataError) as caught:
        Small().open_case(Case("0" * 16, tmp_path, "p", {}, 7), trained.card.for_pictures)
    assert caught.value.code == "cohort.not-one-picture"
    assert caught.value.subject == "row 7"


def test_stopping_is_noticed_before_the_network_runs(image: Image, trained: ModelBundle, tmp_path: Path) -> None:
    def stop() -> None:
        raise sdk.JobCancelled

    with pytest.raises(sdk.JobCancelled):
        analyse(image, trained, PlainContext(tmp_path, interrupt=stop))


def test_the_sdk_names_everything_a_plug_in_needs() -> None:
    assert len(sdk.__all__) == len(set(sdk.__all__))
    assert all(hasattr(sdk, name) for name in sdk.__all__)
    assert issubclass(Small, sdk.ClassifierPlugin)
    assert all(callable(getattr(Small(), verb)) for verb in ("analyse", "learn"))
