"""Predict first, then reveal: are the losses of one formula, written in two ways, the same?"""

from __future__ import annotations

import math

import streamlit as st

from core import charts
from core.gan import Config
from core.runs import Run
from pages._gan import library
from pages._gan.settings import LONGEST, TITLES
from pages._shared import stage, words
from pages._shared.charts import draw as draw_chart

PAIR = ("bce", "raw-log")
BETS = ("Always equal", "Equal at first", "Never equal")
ANSWER = BETS[1]
SPANS = (300, 2_000, 10_000, 100_000)  # iterations that the chart shows
HEIGHT = 180
LEAST, MOST = 1e-6, 10.0  # nats, the ends of the axis; the histories keep six digits
CODE = """
D = sigmoid(s)
bce_with_logits(s, 1)  # A: log(1 + exp(-s))
bce_with_logits(s, 0)  # A: log(1 + exp(s))
-log(D)                # B, as the first
-log(1 - D)            # B, as the second
""".strip()
POINTS = 400  # of a curve, at most
HUES = tuple((TITLES[name], colour) for name, colour in zip(PAIR, (charts.A, charts.B), strict=True))


def runs_of() -> dict[str, Run]:
    """The long runs of both writings from one start, those that are there."""
    found = {name: library.shown(Config(objective=name, iterations=LONGEST)) for name in PAIR}
    return {name: run for name, run in found.items() if run and run.status == "done"}


def draw() -> None:
    """The question and both formulas at the left; at the right, after the bet, what came out."""
    question, answer = st.columns([2, 3], gap="large")
    with question:
        st.markdown(
            "**Two ways to write one loss.** G minimises −log D(G(z)); D minimises −log D(x) − log(1 − D(G(z))). One "
            "pair gets them as *BCE with logits*, the other as the naive log of a sigmoid. Same initial weights, same "
            "batches, same z. **How will their losses compare over 100\u202f000 iterations?**"
        )
        st.code(CODE, "python")
        bet = st.pills("Your bet", BETS, key="gan_bet", bind="query-params")
        if bet:
            st.markdown("**Right.**" if bet == ANSWER else f"**No:** {ANSWER.lower()}.")
    with answer:
        if bet is None:
            stage.empty("Bet first: the answer appears here.", 2 * HEIGHT)
        else:
            _reveal()


def _reveal() -> None:
    found = runs_of()
    if len(found) < len(PAIR):
        st.info("The recorded runs are not all there: `python -m core record gan` makes them.")
        return
    st.markdown(verdict(apart(found), zeros(found["raw-log"])))
    row = st.container(horizontal=True, vertical_alignment="center")
    span = row.segmented_control("Iterations", SPANS, default=SPANS[2], format_func=words.count, required=True,
                                 key="gan_span", bind="query-params", label_visibility="collapsed")  # fmt: skip
    row.caption("Thick: BCE with logits. Dashes: raw log. Below: how far they are apart.")
    rows = [row for name, run in found.items() for row in _rows(TITLES[name], run, span)]
    draw_chart(charts.lines(HUES, "iteration", "G's loss (nats)", (0, span), None, HEIGHT, dashed=HUES[1][0]), rows,
               "G's loss of both writings, on top of each other")  # fmt: skip
    rows = [{"name": "apart", "x": step, "y": max(gap, LEAST), "label": ""}
            for step, gap in apart(found) if step <= span]  # fmt: skip
    draw_chart(charts.lines((("apart", charts.COURSE),), "iteration", "apart (nats)", (0, span), (LEAST, MOST),
                            HEIGHT, log=True), _thinned(rows), "How far apart the losses are")  # fmt: skip


def _rows(name: str, run: Run, span: int) -> list[dict]:
    known = [r for r in run.history() if r["step"] <= span and "g_loss" in r]
    return _thinned([{"name": name, "x": r["step"], "y": r["g_loss"], "label": ""} for r in known])


def _thinned(rows: list[dict]) -> list[dict]:
    return rows[:: math.ceil(len(rows) / POINTS) or 1]


def apart(found: dict[str, Run]) -> list[tuple[int, float]]:
    """Iteration and how far apart the losses of both are, of G or of D, whichever are farther."""
    one, other = ([r for r in found[name].history() if "g_loss" in r] for name in PAIR)
    return [(a["step"], max(abs(a[key] - b[key]) for key in ("g_loss", "d_loss")))
            for a, b in zip(one, other, strict=False)]  # fmt: skip


def zeros(run: Run) -> list[int]:
    """The iterations up to which a log of 0 was guarded."""
    return [record["step"] for record in run.history() if record.get("log_zero")]


def verdict(gaps: list[tuple[int, float]], zeros: list[int]) -> str:
    """When they part, and why, in a sentence or two.

    ``gaps``: iteration and nats between the losses; ``zeros``: iterations with a log of 0.
    """
    parted = next((step for step, gap in gaps if gap > LEAST), None)
    if parted is None:
        return "They never part: the losses are equal in all decimals that are kept."
    if zeros and zeros[0] <= parted:
        return (
            f"Equal in every decimal that is kept, until about iteration {words.count(parted)}. There D takes a drawn "
            "picture for real, so surely that float32 rounds D to 1: the naive log(1 − D) is a **log of 0**, and the "
            "picture gets no gradient. That is enough; from there on they are two different runs."
        )
    return (
        f"Equal until about iteration {words.count(parted)}. The formulas are the same, their rounding in float32 is "
        "not, and training multiplies every difference: from there on they are two different runs."
    )
