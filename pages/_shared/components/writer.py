"""Texts that write themselves: takes side by side, coloured by surprise, with the next-letter bars of any character.

The browser gets every character with its numbers at once. It writes, pauses, scrubs and answers to a hovered character
without asking Python. Python hears of one thing: where a text stood when the temperature was moved.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pages._shared.components import packing

MOST_SWITCHES = 200  # of the temperature within one text

_HERE = Path(__file__).parent
_HTML = """
<div class="writer" role="group" tabindex="-1">
  <div class="takes"></div>
  <div class="controls">
    <div class="steps">
    <button type="button" class="back" aria-label="One step back" title="One step back (←)">
      <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M12 2v12L4 8z"/></svg>
    </button>
    <button type="button" class="play" aria-label="Write again">
      <svg viewBox="0 0 16 16" aria-hidden="true"><path class="go" d="M4 1.5v13L14.5 8z"/><path class="hold"
        d="M3 3h10v10H3z"/></svg>
    </button>
    <button type="button" class="on" aria-label="One step on" title="One step on (→)">
      <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M4 2v12l8-6z"/></svg>
    </button>
    </div>
    <input type="range" min="0" step="1" aria-label="Frame">
    <div class="readout"><span class="now"></span><span class="widest" aria-hidden="true"></span></div>
    <div class="legend"><span class="given">given</span><span class="bits">0</span><span class="scale"></span>
      <span class="bits">8 bits of surprise</span></div>
  </div>
</div>
"""
_WRITER = st.components.v2.component(
    "explorer_writer",
    html=_HTML,
    css=packing.joined(_HERE / "writer.css"),
    js=packing.joined(packing.SCRIPT, _HERE / "scrubber_elements.js", _HERE / "writer_bars.js", _HERE / "writer.js"),
)


def schedule(key: str, about: str, temperature: float, length: int) -> tuple[tuple[int, float], ...]:
    """From which written character on which temperature holds: as the viewer moved it while the text was written.

    Args:
        key: of the writer; its state is ``{"switch": [about, [[0, 0.8], [120, 1.2]], time]}``, which a test may seed.
        about: what is written, but for the temperature: see ``writer``.
        temperature: that of the control; the schedule ends with it.
        length: characters to write.
    """
    switch = st.session_state.get(key, {}).get("switch")
    try:
        what, found, _ = switch
        known = tuple((start, float(value)) for start, value in found)
        starts = [start for start, _ in known]
        fits = (
            what == digest(about) and known[-1][1] == temperature and len(known) <= MOST_SWITCHES
            and starts[0] == 0 and all(type(start) is int for start in starts) and starts[-1] < length
            and starts == sorted(set(starts)) and all(math.isfinite(value) and 0 <= value <= 10 for _, value in known)
        )  # fmt: skip
    except (TypeError, ValueError, IndexError):  # there was no switch, or it is forged
        return ((0, temperature),)
    return known if fits else ((0, temperature),)


def digest(about: str) -> str:
    return hashlib.sha256(about.encode()).hexdigest()[:16]


def writer(
    *,
    key: str,
    frames: Sequence[tuple[str, Sequence[dict]]],
    axis: str,
    about: str,
    story: str,
    schedule: tuple[tuple[int, float], ...],
    speed: float,
    height: int,
    rest: int,
    alt: str,
) -> None:
    """Show takes that write themselves, or frames of takes to scrub through.

    A panel is a packed take (pages/_char_rnn/takes.py) with a ``side`` ("A", "B"), a ``title``, and ``about``, a few
    words more. Its ``text`` is shown as it is.

    Args:
        key: of the widget.
        frames: a label and the panels, side by side, of each. One frame: the slider goes through the characters.
            More: it goes through the frames.
        axis: what the slider goes through, capitalised.
        about: names all that decides the texts but the temperature. Where only the temperature differs from the last
            data while a text is being written, the text stays as far as it is, and the browser asks for the rest.
        story: where it differs from the last data, the text is written anew before the viewer's eyes.
        schedule: the temperatures: see ``schedule``.
        speed: characters a second; 0 for all at once.
        height: of the takes, in pixels; the controls below take 48 more.
        rest: pixels of the window's height that the rest of the page needs; the takes take what is left, at least
            ``height``.
        alt: what is shown, in a sentence.
    """
    shown = [{"label": label, "panels": [*panels]} for label, panels in frames]
    data = {"axis": axis, "about": digest(about), "story": digest(story), "schedule": schedule, "frames": shown}
    data["take"] = digest(json.dumps([data["about"], schedule, [label for label, _ in frames]]))
    data |= {"speed": speed, "height": height, "rest": rest, "alt": alt}
    _WRITER(key=key, data=packing.told(data), on_switch_change=lambda: None)
