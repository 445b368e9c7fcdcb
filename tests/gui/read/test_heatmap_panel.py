"""The maps of one finding: that of the whole answer, and those of its parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
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


def test_a_map_no_better_than_chance_is_called_so_for_its_parts_too(qtbot: QtBot, tmp_path: Path) -> None:
    panel = HeatmapPanel(Settings(tmp_path))
    qtbot.addWidget(panel)
    bad = GOOD.model_copy(update={"score": 0.05})
    panel.show_for([heatmap("", bad), heatmap("a")], "Retinopathy", can_explain=True)
    panel.part_buttons.buttons()[1].click()
    assert "No better than chance" in panel.trust.text()
    assert panel.trust.property("kind") == "warning"
