"""Who writes, and how: the settings of A and B, all of them in the link."""

from __future__ import annotations

import math
from dataclasses import dataclass

import streamlit as st

from core import course
from core.data import vocabulary
from core.data.vocabulary import Prime
from pages._char_rnn.library import Recorded

FIRST = "GRU, seed 42"  # the network that the page opens with
FIRST_B = 100  # the iteration of B that the page opens with
SIDE_BY_SIDE, TEMPERATURES, ITERATIONS = "A | B", "Three temperatures", "Iterations"
MODES = (SIDE_BY_SIDE, TEMPERATURES, ITERATIONS)
SPEEDS = {"slow": 6, "reading": 25, "fast": 100, "at once": 0}  # characters a second; 0 for all
LONGEST = 2000  # characters written
CUT = "rnn_cut"  # in the session state: a prime that was cut, and what was said of it

HELP = {
    "network": "Who writes. Networks that you train below are listed here as well.",
    "step": "The weights after so many iterations of training.",
    "temperature": "Below 1 the network writes what it is surest of, above 1 it dares more. 0: always the most "
    "probable character. Move it while the text is written: what stands there stays.",
    "seed": "Decides the random draws. A and B always get the same ones.",
    "prime": "What the network is given to continue. Press Enter to start.",
    "course": "The primes that the course showed.",
    "speed": "How fast the characters come.",
    "top_k": "Draw from the k most probable characters alone; 0 for all.",
    "length": "Characters to write. The course wrote 100.",
}


@dataclass(frozen=True)
class Settings:
    """What the viewer has chosen."""

    mode: str  # one of MODES
    networks: dict[str, Recorded]  # of "A" and of "B"
    steps: dict[str, int]  # the iteration of each
    prime: Prime
    temperature: float
    seed: int
    length: int
    top_k: int
    speed: int  # characters a second; 0 for all at once


def controls(networks: dict[str, Recorded]) -> tuple[Settings, st.delta_generator.DeltaGenerator]:
    """Draw the controls; returns what they say, and the place below them for a line of text and for buttons."""
    mode = st.session_state.get("rnn_mode") or st.query_params.get("rnn_mode")  # its control is drawn further down
    titles = list(networks)
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    sides = {side: _side(side, row, networks, titles, mode) for side in "AB"}
    temperature = row.slider("Temperature", 0.0, 2.0, 0.8, 0.05, help=HELP["temperature"], key="rnn_temperature",
                             bind="query-params", width=190)  # fmt: skip
    seed = row.number_input("Seed", 0, 999_999, 0, help=HELP["seed"], key="rnn_seed", bind="query-params", width=120)
    speed = row.selectbox("Speed", list(SPEEDS), 1, help=HELP["speed"], key="rnn_speed", bind="query-params", width=110)
    prime, row = _prime()
    with row.popover("More", icon=":material/tune:"):
        length, top_k = _rare()
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small")
    mode = bar.segmented_control("View", MODES, default=MODES[0], required=True, key="rnn_mode", bind="query-params",
                                 label_visibility="collapsed")  # fmt: skip
    chosen, steps = ({side: found[i] for side, found in sides.items()} for i in (0, 1))
    return Settings(mode, chosen, steps, prime, _tidy(temperature), int(seed), length, top_k, SPEEDS[speed]), bar


def _tidy(temperature: float) -> float:
    """The temperature without the last digits that a slider leaves; from a link it may lie between two of its steps."""
    value = round(temperature, 3)
    return value if math.isfinite(value) and (value == 0 or value >= 0.05) else 0.0


def _side(
    side: str, row: st.delta_generator.DeltaGenerator, networks: dict[str, Recorded], titles: list[str], mode: str
) -> tuple[Recorded, int]:
    key = f"rnn_{side.lower()}"
    with row.container(key=f"{key}_card", width=280), st.container(horizontal=True, gap="xsmall"):
        title = st.selectbox(f"{side} · network", titles, titles.index(FIRST) if FIRST in titles else 0,
                             help=HELP["network"], key=f"{key}_network", bind="query-params", width=160,
                             disabled=side == "B" and mode == TEMPERATURES, on_change=_to_the_last,
                             args=(side, networks))  # fmt: skip
        network = networks[title]
        steps = list(network.steps)
        first = steps.index(FIRST_B) if side == "B" and FIRST_B in steps else len(steps) - 1
        step = st.selectbox("Iteration", steps, first, format_func=_iteration, help=HELP["step"], key=f"{key}_step",
                            bind="query-params", width=112,
                            disabled=mode == ITERATIONS or (side == "B" and mode == TEMPERATURES))  # fmt: skip
    return network, step


def _iteration(step: int) -> str:
    return str(step) if step else "0, untrained"


def _to_the_last(side: str, networks: dict[str, Recorded]) -> None:
    """Another network was chosen: compare it as it is at its end."""
    key = f"rnn_{side.lower()}"
    if chosen := networks.get(st.session_state.get(f"{key}_network")):
        st.session_state[f"{key}_step"] = chosen.steps[-1]


def _rare() -> tuple[int, int]:
    """What is seldom changed."""
    length = st.number_input("Length (characters)", 10, LONGEST, 200, 50, help=HELP["length"], key="rnn_length",
                             bind="query-params")  # fmt: skip
    top_k = st.number_input("Top-k", 0, len(vocabulary.VOCABULARY), 0, help=HELP["top_k"], key="rnn_top_k",
                            bind="query-params")  # fmt: skip
    return int(length), int(top_k)


def _prime() -> tuple[Prime, st.delta_generator.DeltaGenerator]:
    """The field and the course's primes, in one row; returns the row as well."""
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    typed = row.text_input("Prime", "The", help=HELP["prime"], key="rnn_prime", bind="query-params", width=280,
                           label_visibility="collapsed", icon=":material/edit:", on_change=_cut,
                           placeholder="Type a prime, then Enter")  # fmt: skip
    known = typed if typed in course.PRIMES else None
    st.session_state["rnn_course"] = known
    row.pills("The course's primes", course.PRIMES, help=HELP["course"], key="rnn_course", on_change=_take,
              label_visibility="collapsed")  # fmt: skip
    found = vocabulary.prime(typed or "")
    kept, notes = st.session_state.get(CUT, ("", ()))
    return (Prime(found.text, notes) if kept == typed and notes else found), row


def _cut() -> None:
    """Keep what is used of a very long prime alone: the whole would not fit into a link."""
    typed = st.session_state.get("rnn_prime") or ""
    if len(typed) > vocabulary.MOST_PRIME:
        found = vocabulary.prime(typed)
        st.session_state["rnn_prime"] = found.text
        st.session_state[CUT] = (found.text, found.notes)


def _take() -> None:
    """One of the course's primes was pressed."""
    if chosen := st.session_state.get("rnn_course"):
        st.session_state["rnn_prime"] = chosen
