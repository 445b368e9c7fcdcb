"""The parts of a report that are about one picture: what was found, how surely, and where the model looked."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from medtransfer.contract.bundle import BundleCard
from medtransfer.result.model import Finding, Heatmap, Notice, Result, Structure
from medtransfer.work.report import components, maps, numbers, pictures
from medtransfer.work.report.html import Html, element, facts, folded, paragraph, section, table, text
from medtransfer.work.report.model_sections import label_line

SYNTHETIC_NOTICE = "synthetic"
NO_VERDICTS: Mapping[str, str] = MappingProxyType({})


def is_synthetic(result: Result) -> bool:
    """Whether the result is of a generated picture."""
    return any(notice.code.split(".")[-1] == SYNTHETIC_NOTICE for notice in result.notices)


def result_sections(
    result: Result,
    picture: NDArray[np.uint8],
    caption: str,
    card: BundleCard | None,
    verdicts: Mapping[str, str] = NO_VERDICTS,
) -> list[Html]:
    """Return everything about one result.

    Parameters
    ----------
    picture
        The analysed picture as shown, uint8 ``(y, x, 3)``, on the grid of the heat maps.
    caption
        What the picture is, for the reader.
    card
        Of the model that answered, for how good it is; None when it is not at hand.
    verdicts
        What the reader thought of an answer (``right``, ``wrong``, ``unsure``) by label; the empty label stands for
        the result as a whole.
    """
    parts = [section(caption or "The picture", _pictures(result, picture), *_notices(result.notices))]
    if result.findings or result.segmentation is None:
        parts.append(section("Findings", *_findings(result, picture, card, verdicts)))
    if result.segmentation is not None:
        parts.append(section("Structures", _structures(result.segmentation.structures), *_verdict(verdicts.get(""))))
    return [*parts, section("How this came about", _passport(result))]


def _pictures(result: Result, picture: NDArray[np.uint8]) -> Html:
    names = {finding.label: finding.name for finding in result.findings}
    shown = element(
        "figure",
        pictures.image(picture, "The picture as it was analysed"),
        element("figcaption", text("As analysed.")),
    )
    maps = [
        _heatmap(heatmap, names.get(heatmap.info.label, heatmap.info.label), picture)
        for heatmap in result.heatmaps
        if not heatmap.info.part
    ]
    if not maps:
        maps = [paragraph("No heat map was made: nothing was called, or no explanation was asked for.", class_="muted")]
    return element("div", shown, *maps, class_="pictures")


def _heatmap(heatmap: Heatmap, name: str, picture: NDArray[np.uint8]) -> Html:
    info = heatmap.info
    if heatmap.array.shape != picture.shape[:2]:
        return paragraph(f"The heat map for {name} does not lie on this picture and is not shown.", class_="muted")
    legend = element(
        "div",
        text("0"),
        element("div", class_="ramp", style=pictures.ramp()),
        text(f"1 = {info.raw_maximum:.3g} (raw maximum)"),
        class_="legend",
    )
    return element(
        "figure",
        pictures.image(pictures.overlay(picture, heatmap.array), f"Heat map for {name} over the picture"),
        legend,
        element(
            "figcaption", element("b", text(f"{name}: ")), text(f"{info.method} at {info.layer}. {_trust(heatmap)}")
        ),
    )


def _trust(heatmap: Heatmap) -> str:
    """Return the map's faithfulness beside that of chance, in words."""
    measured = heatmap.info.faithfulness
    if measured is None:
        return f"Its faithfulness was not measured. {maps.what_it_shows(heatmap.info)}"
    figures = f"Faithfulness {numbers.figure(measured.score)}, random map {numbers.figure(measured.random_score)}"
    if measured.score <= measured.random_score:
        return f"{figures}: no better than chance, do not read anything into it."
    return f"{figures}. {maps.what_it_shows(heatmap.info)}"


def _findings(
    result: Result, picture: NDArray[np.uint8], card: BundleCard | None, verdicts: Mapping[str, str]
) -> list[Html]:
    if not result.findings:
        return [paragraph("The plug-in reports no findings for this picture.")]
    key = (
        "Bar: probability. Dark mark: the threshold in force. Pale band: spread over slightly changed copies of the "
        "picture (one standard deviation)."
    )
    ordered = sorted(result.findings, key=lambda finding: (not finding.positive, -finding.probability))
    return [
        *(_finding(finding, result, picture, card, verdicts.get(finding.label)) for finding in ordered),
        element("figcaption", text(key)),
    ]


def _finding(
    finding: Finding, result: Result, picture: NDArray[np.uint8], card: BundleCard | None, verdict: str | None
) -> Html:
    side = "present" if finding.positive else "absent"
    relation = "at or above" if finding.positive else "below"
    call = f"Called {side}: {relation} the threshold {numbers.figure(finding.threshold)}."
    doubt = [] if finding.calibrated else ["The probability is not calibrated."]
    if card is not None:
        doubt.append(label_line(card, finding.label))
    return element(
        "div",
        element("div", element("span", text(finding.name)), text(_probability(finding)), class_="top"),
        element("div", *_bar(finding, side), class_="track", role="img", aria_label=f"{_probability(finding)}. {call}"),
        element("span", text(call), class_=f"call {side}"),
        element("span", text(" " + " ".join(doubt)), class_="muted"),
        *_verdict(verdict),
        *components.of_finding(finding, result, picture),
        class_="finding",
    )


def _verdict(verdict: str | None) -> list[Html]:
    return [paragraph(f"The reader's verdict: {verdict}.")] if verdict else []


def _structures(structures: tuple[Structure, ...]) -> Html:
    """Return the structures that were found, the largest first, with volume and mean."""
    found = sorted((entry for entry in structures if entry.volume_ml > 0), key=lambda entry: -entry.volume_ml)
    if not found:
        return paragraph("None of the structures that the plug-in knows was found.")
    rows = [
        (
            text(entry.name),
            text(f"{entry.volume_ml:,.1f} ml"),
            text("not stated" if entry.mean_hu is None else f"{_whole(entry.mean_hu)} HU"),
        )
        for entry in found
    ]
    return table(("Structure", "Volume", "Mean"), rows)


def _whole(value: float) -> str:
    return f"{value:.0f}".replace("-", "\u2212")


def _probability(finding: Finding) -> str:
    shown = numbers.figure(finding.probability)
    return shown if finding.uncertainty is None else f"{shown} \u00b1 {numbers.figure(finding.uncertainty)}"


def _bar(finding: Finding, side: str) -> list[Html]:
    parts = [element("div", class_=f"fill {side}", style=f"width:{finding.probability:.2%}")]
    if finding.uncertainty is not None:
        low = max(finding.probability - finding.uncertainty, 0.0)
        high = min(finding.probability + finding.uncertainty, 1.0)
        parts.append(element("div", class_="band", style=f"left:{low:.2%};width:{high - low:.2%}"))
    return [*parts, element("div", class_="mark", style=f"left:{finding.threshold:.2%}")]


def _notices(notices: tuple[Notice, ...]) -> list[Html]:
    if not notices:
        return []
    items = [
        element(
            "li",
            element("span", text(notice.level.capitalize()), class_=f"level {notice.level}"),
            text(notice.message),
        )
        for notice in notices
    ]
    return [element("ul", *items, class_="plain")]


def _passport(result: Result) -> Html:
    passport = result.passport
    entries = {
        "Plug-in": f"{passport.plugin} {passport.plugin_version}",
        "Model": passport.model,
        "Computed": f"{numbers.moment(passport.created)}, in {passport.duration_s:.1f} s",
        "On": f"{passport.device}, {numbers.computed_by(passport)}",
        "Seed": str(passport.seed),
    }
    parameters = {
        name: ", ".join(value) if isinstance(value, list) else str(value) for name, value in passport.parameters.items()
    }
    more = {
        "Model (SHA-256)": passport.model_sha256,
        "Pixels (SHA-256)": result.source.pixel_sha256,
        **{f"Setting {name}": value for name, value in parameters.items()},
        **{f"Version of {name}": value for name, value in passport.versions.items()},
    }
    checks = [notice.message for notice in passport.checks]
    return element(
        "div",
        facts({name: text(value) for name, value in entries.items()}),
        *(paragraph(check, class_="muted") for check in checks),
        folded("Hashes, settings and versions", facts({name: text(value) for name, value in more.items()})),
    )
