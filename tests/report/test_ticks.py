"""A label at a tick says the tick's value: on every axis of every figure, and of those committed."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from bandstop.report import FIGURES
from bandstop.report.chunking import chunking, skeletons
from bandstop.report.curves import CURVES, can_show
from bandstop.report.groups import GROUPS
from bandstop.report.spread import spread
from bandstop.report.style import drawn
from bandstop.report.summary import rows
from bandstop.report.ticks import at_most_all, count, labelled, percent, plain, removed

SVGS = sorted((Path(__file__).parents[2] / "docs/results/figures").glob("*.svg"))
KINDS = {
    "pmp": {"prior": "laplace", "threshold": "prior"},
    "heads concatenated": {"fusion": "concat", "heads": 16, "filters": 64, "rate": 0.98},
    "one epoch": {"epochs": 1},
    "dense": {"method": "dense"},
    "nothing stays": {"empty": True, "epochs": 0},
    "an odd number of steps": {"steps": 777, "epochs": 7},
}
SIZES = {"%": 0.01, "k": 1e3, "M": 1e6, "G": 1e9, "": 1.0}


def number(label: str) -> float:
    """What a reader takes a label for."""
    value, unit = re.fullmatch(r"([−-]?\d+\.?\d*(?:e[−+-]?\d+)?) ?([%kMG]?)", label).groups()
    return float(value.replace("−", "-")) * SIZES[unit]


def labels(axis: Axis) -> Iterator[tuple[float, str]]:
    """Value and label of every tick that is seen."""
    low, high = sorted(axis.get_view_interval())
    for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
        text = tick.label1.get_text()
        if low <= tick.get_loc() <= high and text and tick.label1.get_visible():
            yield tick.get_loc(), text


def wrong(figure: Figure) -> list[str]:
    """Labels that are not their tick's value; an axis of rates that are removed measures what stays."""
    found = []
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
            rates = axis.get_label_text().startswith("rate: weights removed")
            for place, text in labels(axis):
                value = 1 - place if rates else place
                if not math.isclose(number(text), value, rel_tol=1e-9, abs_tol=1e-12):
                    found.append(f"{text} stands at {value}")
            found += [axis.get_offset_text().get_text()] * bool(axis.get_offset_text().get_text())
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FIGURES)
def test_in_every_figure_of_a_run_a_label_says_its_ticks_value(name, kind, make):
    assert wrong(FIGURES[name](make(**KINDS[kind]))) == []


@pytest.mark.parametrize("of", ["sweep", "papers"])
@pytest.mark.parametrize("name", sorted({*CURVES} - {"observed-rate"}))
def test_in_every_figure_of_a_table_a_label_says_its_ticks_value(name, of, sweep, papers):
    found = rows(spread(sweep if of == "sweep" else papers[0]))
    assert can_show(name, found) or name == "side-by-side"
    assert wrong(CURVES[name][2](found)) == []


@pytest.mark.parametrize("name", GROUPS)
def test_in_every_figure_of_several_runs_a_label_says_its_ticks_value(name, papers):
    assert wrong(GROUPS[name].draw(GROUPS[name].pick(papers[0]))) == []


@pytest.mark.parametrize("draw", [lambda: chunking(8), lambda: skeletons(("sbu", "hand21"))])
def test_in_the_figures_of_made_up_recordings_a_label_says_its_ticks_value(draw):
    assert wrong(draw()) == []


def test_target_rates_side_by_side_stand_at_their_places(sweep):
    axis = CURVES["observed-rate"][2](rows(sweep)).axes[0].xaxis
    assert dict(labels(axis)) == {0: "50 %", 1: "90 %"}


@drawn
def planted(words) -> Figure:
    figure = Figure()
    axes = figure.subplots()
    axes.plot([0, 1], [0.8, 0.98])
    axes.set_yticks([0.825, 0.85])
    axes.yaxis.set_major_formatter(words)
    return figure


def test_a_rounded_label_is_seen_and_an_exact_one_passes():
    assert wrong(planted(lambda v, _: f"{100 * v:.0f} %")) == ["82 % stands at 0.825"]
    assert wrong(planted(lambda v, _: percent(v))) == []


def test_an_axis_that_nobody_asked_about_has_plain_numbers_without_an_offset():
    @drawn
    def large(_: None) -> Figure:
        figure = Figure()
        figure.subplots().plot([0, 1], [1_000_000.5, 1_000_000.7])
        return figure

    assert wrong(large(None)) == []


ends = st.floats(-1e9, 1e9, allow_subnormal=False)


@given(low=ends, length=st.floats(1e-6, 1e9), words=st.sampled_from([plain, percent, removed]))
def test_labels_are_exact_for_any_ends_of_an_axis(low, length, words):
    length = max(length, 1e-6 * abs(low))  # where floats still tell ticks apart
    axis = Figure().subplots().xaxis
    axis.axes.set_xlim(low, low + length)
    labelled(axis, words)
    places = axis.get_majorticklocs()
    step = abs(places[1] - places[0])
    for place, text in zip(places, axis.get_major_formatter().format_ticks(places), strict=True):
        value = 1 - place if words is removed else place
        assert number(text) == pytest.approx(value, abs=0.01 * step)


@given(low=st.floats(1, 1e8), factor=st.floats(1.2, 1e5))
def test_counts_are_exact_for_any_ends_of_a_logarithmic_axis(low, factor):
    axis = Figure().subplots().xaxis
    axis.axes.set_xscale("log")
    axis.axes.set_xlim(low, low * factor)
    labelled(axis, count)
    places = axis.get_majorticklocs()
    for place, text in zip(places, axis.get_major_formatter().format_ticks(places), strict=True):
        assert number(text) == pytest.approx(place, rel=1e-9)


@given(st.floats(0, 2))
def test_nothing_stands_beyond_all(share):
    text = at_most_all(share)
    assert (text == "") == (share > 1 + 1e-9)
    assert not text or number(text) == pytest.approx(share, abs=1e-9)


SVG = "{http://www.w3.org/2000/svg}"


def axes_of(svg: Path) -> dict[str, list[tuple[float, str]]]:
    """Axes and direction -> (position on the page, label) of its ticks, as the file has them."""
    found: dict[str, list[tuple[float, str]]] = {}
    for axes in ET.parse(svg).iter(f"{SVG}g"):
        for group in axes.iter(f"{SVG}g") if re.search(r"-axes_\d+$", axes.get("id", "")) else ():
            tick = re.search(r"-([xy])tick_\d+$", group.get("id", ""))
            texts = [t.text for t in group.iter(f"{SVG}text") if t.text]
            if tick and texts:
                place = next(group.iter(f"{SVG}use")).get(tick[1])
                found.setdefault(f"{axes.get('id')} {tick[1]}", []).append((float(place), texts[0]))
    return found


def evenly(ticks: list[tuple[float, str]]) -> bool:
    """Whether labels grow along the axis as their places do: by steps, by factors, or as what stays."""
    places = np.array([place for place, _ in ticks])
    values = np.array([number(text) for _, text in ticks])
    scales = [values]
    if (values > 0).all():
        scales.append(np.log(values))
    if (values < 1).all():
        scales.append(np.log(1 - values))
    return any(np.ptp(np.diff(s) / np.diff(places)) < 0.01 / np.ptp(places) for s in scales)


@pytest.mark.parametrize("svg", SVGS, ids=lambda p: p.stem)
def test_in_every_committed_figure_labels_grow_along_the_axis_as_their_places_do(svg):
    for axis, ticks in axes_of(svg).items():
        names = "observed-rate" in axis and axis.endswith("x")
        assert names or len(ticks) < 3 or evenly(ticks), ticks


def test_labels_that_were_rounded_do_not_grow_evenly():
    places = range(0, 80, 10)
    rounded = [80, 82, 85, 88, 90, 92, 95, 98]
    assert not evenly([(p, f"{v} %") for p, v in zip(places, rounded, strict=True)])
    assert evenly([(p, f"{80 + 0.25 * p:g} %") for p in places])
