"""Hidden units along the text, and which of them keep track of something that we have a word for."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import runs
from core.char_rnn.units import FEATURES, Ranking, Unit
from pages._char_rnn import colours, library
from pages._char_rnn.picture import Shown
from pages._char_rnn.settings import Settings
from pages._shared import words

HEIGHT = 300  # pixels of the text
LISTED = 12  # units in the table
POSITIVE, NEGATIVE = "200,80,20", "50,120,200"  # of a unit's value near +1 and near −1
BEST = "the best one"
HELDOUT, WRITTEN = "Text it never saw", "What it wrote"
FIRST = "speaker"  # the feature that the tab opens with


def draw(settings: Settings, frames: list[tuple[str, list[Shown]]]) -> None:
    """A feature, its best units, and one of them along the text of A or B."""
    if not frames:
        st.info("There is no text to look at.")
        return
    shown = {one.side: one for one in reversed(frames[-1][1])}
    pick, row = st.columns([2, 5], gap="medium")
    with pick:
        one = shown[_side(sorted(shown))]
        found = library.rankings(one.network.name, one.step,
                                 library.checksum(runs.find(one.network.name), one.step))  # fmt: skip
        names = {key: feature.title for key, feature in FEATURES.items()}
        feature = st.selectbox("What it might keep track of", list(FEATURES), list(FEATURES).index(FIRST),
                               format_func=names.get, key="rnn_feature", bind="query-params")  # fmt: skip
        unit = _unit(found[feature])
        _table(found[feature])
    with row:
        st.markdown(_sentence(found[feature], unit))
        read = _read(one, feature)
        hidden = library.activations(one.network, one.step, read)
        values = hidden[:, unit.layer, unit.unit]
        colours.draw(read, [_colour(value) for value in values], HEIGHT,
                     [_signed(value) for value in values])  # fmt: skip
        st.caption(
            "Orange: near +1. Blue: near −1. No colour: near 0. The value is that after the character was read. "
            f"**Most units mean nothing that one could name**: {words.count(hidden.shape[1] * hidden.shape[2])} were "
            f"searched for {len(FEATURES)} features. The best of so many agrees a little with anything, by chance."
        )


def _side(sides: list[str]) -> str:
    if len(sides) == 1:
        return sides[0]
    return st.segmented_control("Whose units", sides, default=sides[0], required=True, key="rnn_units_of",
                                bind="query-params")  # fmt: skip


def _read(one: Shown, feature: str) -> str:
    """The text along which the unit is shown: lines of the held-out text with the feature in them, or the written."""
    along = st.segmented_control("Along which text", [HELDOUT, WRITTEN], default=HELDOUT, required=True,
                                 key="rnn_along", bind="query-params", label_visibility="collapsed")  # fmt: skip
    if along == WRITTEN:
        return one.take.text
    return library.heldout_passage(runs.find(one.network.name).config["text"], feature)


def _unit(ranking: Ranking) -> Unit:
    """The best unit, or the one whose number the viewer chose."""
    best = ranking.units[:LISTED]
    names = {BEST: best[0] if best else Unit(0, 0, 0.0), **{_name(unit): unit for unit in best}}
    chosen = st.selectbox("Unit along the text", list(names), key="rnn_unit_shown")
    return names[chosen]


def _name(unit: Unit) -> str:
    return f"layer {unit.layer + 1}, unit {unit.unit}"


def _table(ranking: Ranking) -> None:
    rows = [{"unit": _name(unit), "correlation": _signed(unit.r)} for unit in ranking.units[:LISTED]]
    if rows:
        st.dataframe(rows, hide_index=True, width="stretch", height=180)


def _sentence(ranking: Ranking, unit: Unit) -> str:
    title = FEATURES[ranking.feature].title
    if ranking.chance is None:
        return (f"**{title.capitalize()}** is too rare in the held-out text ({words.count(ranking.count)} characters): "
                "no unit can be ranked by it.")  # fmt: skip
    best = abs(ranking.units[0].r)
    good = "far beyond" if best > 2 * ranking.chance else "beyond" if best > 1.2 * ranking.chance else "no better than"
    return (
        f"**{_name(unit).capitalize()}** against *{title}*: correlation {_signed(unit.r)} on the held-out text. The "
        f"best unit reaches {best:.2f}, {good} the {ranking.chance:.2f} that the best of all units reaches by chance, "
        "on the same feature moved to other places."
    )


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _colour(value: float) -> str:
    share = min(1.0, abs(float(np.nan_to_num(value)))) ** 1.3
    return f"rgba({POSITIVE if value > 0 else NEGATIVE},{0.6 * share:.2f})" if share > 0.03 else ""
