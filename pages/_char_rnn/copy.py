"""Did it copy? The longest stretches of the written text that stand in the training text word by word."""

from __future__ import annotations

import streamlit as st

from core.char_rnn.copied import Passage
from core.runs import RunError
from pages._char_rnn import colours, library
from pages._char_rnn.library import Copied
from pages._char_rnn.picture import Shown
from pages._char_rnn.settings import Settings
from pages._shared import words

HEIGHT = 210  # pixels of a text
SHADES = (60, 42, 30, 22, 16)  # % of the colour, for the longest passage first
HUES = {"A": "63,144,218", "B": "231,99,0"}
MUCH = 1.5  # times the longest that is usual


def draw(settings: Settings, frames: list[tuple[str, list[Shown]]]) -> None:
    """For each text on the page: its passages highlighted, their places, and what is usual."""
    if not frames:
        st.info("There is no text to look up.")
        return
    st.markdown(
        "Highlighted: what stands **letter by letter** in the text that the network was trained on, the longest "
        "stretches first. Short ones are no proof: Shakespeare repeats himself as well, so each is held beside "
        "stretches of the held-out text, which the network has never seen."
    )
    shown = frames[-1][1]
    for place, one in zip(st.columns(len(shown), gap="medium"), shown, strict=True):
        with place:
            _one(one)


def _one(one: Shown) -> None:
    run = library.find(one.network.name)
    if run is None:
        raise RunError(f"The run {one.network.name} cannot be read any more.")
    text = one.take.text[one.take.prime :]
    if not text:
        return
    found = library.copy(run.config["text"], text)
    st.markdown(f"**{one.name}** · {one.title}")
    colours.draw(text, _marks(text, found.passages, HUES[one.side]), HEIGHT)
    st.markdown(verdict(found))
    rows = [{"characters": p.length, "stretch": _spelled(p.text), "where": _where(p)} for p in found.passages]
    if rows:
        st.dataframe(rows, hide_index=True, width="stretch")


def _marks(text: str, passages: list[Passage], hue: str) -> list[str]:
    marks = [""] * len(text)
    for passage, shade in zip(passages, SHADES, strict=False):
        marks[passage.start : passage.start + passage.length] = [f"rgba({hue},.{shade})"] * passage.length
    return marks


def verdict(found: Copied) -> str:
    """Whether that is copying, in a sentence."""
    usual = f"stretches of held-out text as long as this one reach {found.usual:.0f} (at most {found.most})"
    said = "**More than chance**" if found.longest > MUCH * found.most else "**No more than chance**"
    return f"{said}: the longest stretch has {words.count(found.longest)} characters; {usual}."


def _spelled(text: str) -> str:
    return "".join({"\n": "↵", "\t": "⇥"}.get(char, char) for char in text)


def _where(passage: Passage) -> str:
    speaker = f", {passage.speaker}" if passage.speaker else ""
    return f"line {words.count(passage.line)}{speaker}"
