"""The maps of one finding: that of the whole answer, and those of its parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from medtransfer.gui.read.heatmap_panel import HeatmapPanel
from medtransfer.gui.settings import Settings
from medtransfer.result.model import Faithfulness, Heatmap, HeatmapInfo

GOOD = Faithfulness(score=0.4, random_score=0.1, deletion_auc=0.2, insertion_auc=0.6, steps=7)


def heatmap(part: str = "", measured: Faithfulness | None = None) -> Heatmap:
    method = f"Grad-CAM of {part or 'both'}"
    info = HeatmapInfo(label="dr", part=part, method=method, layer="bn2", raw_maximum=1.0, faithfulness=measured)
    return Heatmap(info, np.zeros((4, 4), np.float32))


def test_a_person_chooses_between_the_whole_and_its_parts(qtbot: QtBot, tmp_path: Path) -> None:
    panel = HeatmapPanel(Settings(tmp_path))
    qtbot.addWidget(panel)
    panel.show()
    maps = [heatmap("", GOOD), heatmap("a"), heatmap("b")]
    panel.show_for(maps, "Retinopathy", can_explain=True)
    assert panel.heatmap is maps[0]
    assert [button.text() for button in panel.part_buttons.buttons()] == ["Both", "A", "B"]
    assert panel.trust.text().startswith("Faithfulness 0.40 (random 0.10).")
    with qtbot.waitSignal(panel.changed):
        panel.part_buttons.buttons()[2].click()
    assert panel.heatmap is maps[2]
    assert panel.trust.text().startswith("Grad-CAM of b; for both together: faithfulness 0.40 (random 0.10).")

    panel.show_for([heatmap("", GOOD), heatmap("a"), heatmap("b")], "Oedema", can_explain=True)
    assert panel.heatmap is not None
    assert panel.heatmap.info.part == "b", "the part looked at before stays chosen"
    panel.show_for([heatmap("", GOOD)], "Drusen", can_explain=True)
    assert panel.heatmap is not None
    assert panel.heatmap.info.part == ""
    assert not any(button.isVisible() for button in panel.part_buttons.buttons())


def test_the_way_to_make_maps_is_offered_where_there_are_several(qtbot: QtBot, tmp_path: Path) -> None:
    panel = HeatmapPanel(Settings(tmp_path))
    qtbot.addWidget(panel)
    panel.show()
    panel.show_for([heatmap("", GOOD)], "Mass", can_explain=True)
    panel.offer(("gradcam",), "gradcam")
    assert not panel.how.isVisible()
    assert panel.explainer == "gradcam"
    panel.offer(("gradcam", "rollout"), "rollout")
    assert panel.how.isVisible()
    assert (panel.how.currentText(), panel.explainer) == ("Attention rollout", "rollout")
    with qtbot.waitSignal(panel.explain):
        qtbot.keyClick(panel.how, Qt.Key.Key_Up)
    assert panel.explainer == "gradcam"


def test_what_is_known_of_such_maps_is_said(qtbot: QtBot, tmp_path: Path) -> None:
    panel = HeatmapPanel(Settings(tmp_path))
    qtbot.addWidget(panel)
    known = heatmap("", GOOD)
    info = known.info.model_copy(update={"method": "Attention rollout", "caution": "Such maps localise weakly."})
    panel.show_for([Heatmap(info, known.array)], "Mass", can_explain=True)
    assert "for every finding alike" in panel.trust.text()
    assert panel.caution.text() == "Such maps localise weakly."
    panel.show_for([known], "Mass", can_explain=True)
    assert panel.caution.isHidden()


def test_a_map_no_better_than_chance_is_called_so_for_its_parts_too(qtbot: QtBot, tmp_path: Path) -> None:
    panel = HeatmapPanel(Settings(tmp_path))
    qtbot.addWidget(panel)
    bad = GOOD.model_copy(update={"score": 0.05})
    panel.show_for([heatmap("", bad), heatmap("a")], "Retinopathy", can_explain=True)
    panel.part_buttons.buttons()[1].click()
    assert "No better than chance" in panel.trust.text()
    assert panel.trust.property("kind") == "warning"
