"""Structures in the panel of a result: the one that is selected is explained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtGui import QUndoStack
from pytestqt.qtbot import QtBot

from medtransfer.contract.bundle import ModelBundle
from medtransfer.gui.read.reading import Shown
from medtransfer.gui.read.result_panel import ResultPanel
from medtransfer.gui.settings import Settings
from medtransfer.result.model import Heatmap, HeatmapInfo
from tests.conftest import BundleMaker
from tests.result.results import result, segmented


def test_the_selected_structure_is_explained(qtbot: QtBot, tmp_path: Path) -> None:
    panel = ResultPanel(Settings(tmp_path), QUndoStack())
    qtbot.addWidget(panel)
    content = segmented()
    assert content.segmentation is not None
    first, second = content.segmentation.structures[:2]
    shape = content.segmentation.array.shape
    info = HeatmapInfo(label=first.label, method="Seg-Grad-CAM", layer="up.1", raw_maximum=0.5)
    explained = replace(content, findings=(), heatmaps=(Heatmap(info, np.ones(shape, np.float32)),))
    panel.show_result(Shown(tmp_path, replace(explained, heatmaps=()), None, explains=True, verdicts={}))
    assert panel.asked_about is None
    assert panel.heatmaps.isHidden()

    panel.structures.select(first.label)
    assert panel.heatmap_look() is None
    with qtbot.waitSignal(panel.explain) as asked:
        panel.heatmaps.ask.click()
    assert asked.args == [first.label]

    panel.show_result(Shown(tmp_path, explained, None, explains=True, verdicts={}))
    look = panel.heatmap_look()
    assert look is not None
    assert (look.name, look.heatmap.info.label) == (first.name, first.label)
    panel.structures.select(second.label)
    assert panel.heatmap_look() is None


def test_a_result_that_was_explained_opens_with_its_map(qtbot: QtBot, tmp_path: Path) -> None:
    panel = ResultPanel(Settings(tmp_path), QUndoStack())
    qtbot.addWidget(panel)
    content = segmented()
    assert content.segmentation is not None
    second = content.segmentation.structures[1]
    info = HeatmapInfo(label=second.label, method="Seg-Grad-CAM", layer="up.1", raw_maximum=0.5)
    values = np.ones(content.segmentation.array.shape, np.float32)
    panel.show_result(
        Shown(
            tmp_path,
            replace(content, findings=(), heatmaps=(Heatmap(info, values),)),
            None,
            explains=False,
            verdicts={},
        )
    )
    look = panel.heatmap_look()
    assert look is not None
    assert look.name == second.name


def test_a_transformer_can_be_explained_in_two_ways(qtbot: QtBot, tmp_path: Path, make_bundle: BundleMaker) -> None:
    bundle = ModelBundle.open(make_bundle())
    transformer = replace(bundle, card=bundle.card.model_copy(update={"backbone": "vit_tiny_patch16_mean_224"}))
    content = result()
    parameters = {**content.passport.parameters, "explainer": "rollout"}
    rolled = replace(content, passport=content.passport.model_copy(update={"parameters": parameters}))
    panel = ResultPanel(Settings(tmp_path), QUndoStack())
    qtbot.addWidget(panel)
    for shown, ways, chosen in (
        (Shown(tmp_path, content, bundle, explains=True, verdicts={}), 1, "gradcam"),
        (Shown(tmp_path, content, transformer, explains=True, verdicts={}), 2, "gradcam"),
        (Shown(tmp_path, rolled, transformer, explains=True, verdicts={}), 2, "rollout"),
        (Shown(tmp_path, rolled, None, explains=True, verdicts={}), 1, "rollout"),
    ):
        panel.show_result(shown)
        assert (panel.heatmaps.how.count(), panel.heatmaps.explainer) == (ways, chosen)
