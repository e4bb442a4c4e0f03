"""What the course's code does differently, told apart: a gradient that leaks, and a log that is naive."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import charts
from core.gan import Config, objectives
from core.gan.objectives import LOG_OF_ZERO, OBJECTIVES
from core.gan.sheets import COLUMNS
from core.runs import Run
from pages._gan import library, picture
from pages._gan.settings import LONGEST, TITLES
from pages._shared import words
from pages._shared.charts import draw as draw_chart
from pages._shared.components.scrubber import scrubber
from pages._shared.components.sheets import Sheets, panel

HEIGHT = 320
D = np.linspace(0, 1, 101)
SCORES = np.linspace(8, 20, 241)
PULLS = {  # objective → colour, name, and where the name stands: D, pull
    "bce": (charts.A, "BCE with logits", 0.3, 0.86), "leak": (charts.B, "leak, course notebook", 0.6, -0.75),
    "minimax": (charts.COURSE, "minimax", 0.78, 0.93),
}  # fmt: skip
FOUR = {"bce": "no leak, log from logits", "raw-log": "no leak, naive log", "leak": "leak, log from logits",
        "course": "leak, naive log"}  # fmt: skip
LOGS = {  # as for PULLS, over D's score
    "bce": (charts.A, "from logits", 18.4, 17.2), "raw-log": (charts.B, "naive, float32", 13.6, 16.2),
}  # fmt: skip
SHEETS = 308  # pixels of the four sheets with their titles


def leak() -> None:
    """The two formulas that G descends, and how hard each pulls."""
    text, plot = st.columns(2, gap="large")
    with text:
        st.markdown("**What both say they minimise**, for D and for G:")
        st.latex(rf"L_D = {OBJECTIVES['bce'].d_formula} \qquad L_G = {OBJECTIVES['bce'].g_formula}")
        st.markdown(
            "**What the course's G descends.** D's loss leaves gradients on G as well. The notebook did not clear them "
            "before G's own step, on the same z, so G gets the sum:"
        )
        st.latex(OBJECTIVES["course"].g_formula)
        st.markdown(
            "BCE pulls every picture towards D = 1. The leak lets go at **D = ½** and pushes back what fools D better "
            "than that. No formula in the notebook says so: it is one missing `zero_grad()`."
        )
        if told := _where():
            st.caption(told)
    with plot:
        rows = [{"name": "zero", "x": x, "y": 0.0, "label": ""} for x in (0.0, 1.0)]
        for name, (_, title, x, y) in PULLS.items():
            rows += [{"name": title, "x": float(d), "y": float(pull), "label": ""}
                     for d, pull in zip(D, objectives.pull(name, D), strict=True)]  # fmt: skip
            rows.append({"name": title, "x": x, "y": y, "label": title})
        hues = (*((title, colour) for colour, title, _, _ in PULLS.values()), ("zero", "#8888"))
        draw_chart(charts.lines(hues, "D(G(z))", "pull on the score of a generated picture", (0, 1), (-1, 1), HEIGHT),
                   rows, "How hard G pulls a picture towards real, over D from 0 to 1")  # fmt: skip
        st.caption("Above 0: towards “real”. Minimax is the loss that fades where G is worst, at D = 0.")


def _where() -> str:
    """Where D(G(z)) was in the recorded runs."""
    said = []
    for name in ("bce", "leak"):
        run = _run(name)
        answers = [r["d_fake"] for r in run.history() if "d_fake" in r] if run else []
        if answers:
            said.append(f"{np.mean(answers):.2f} ({OBJECTIVES[name].title})")
    if not said:
        return ""
    return (
        f"Mean D(G(z)) over the recorded runs: {words.listed(said)}. D pulls the other way: ½ is where G would let go, "
        "not where the game ends."
    )


def log() -> None:
    """The naive log in float32: a staircase, then infinity."""
    text, plot = st.columns(2, gap="large")
    with text:
        st.markdown(
            "**The same formula, written naively.** From D's score s, `log(1 - sigmoid(s))` first rounds the sigmoid. "
            "In float32, 1 − σ(s) is a multiple of 6·10⁻⁸: the log becomes a staircase, and from **s ≈ 16.7** on it "
            "is the log of 0. `bce_with_logits` computes log(1 + exp(s)) and is exact.\n\n"
            "**What it does to training.** Where the log is that of 0, autograd multiplies infinity by 0 and makes "
            f"NaN. Here such a picture gets no gradient instead, and its loss counts as {LOG_OF_ZERO:g}: a picture "
            "that D is completely wrong about is not learned from."
        )
        st.markdown(_guarded())
    with plot:
        rows = []
        for name, (_, title, x, y) in LOGS.items():
            values = objectives.value(name, "fake", SCORES)
            rows += [{"name": title, "x": float(s), "y": float(v), "label": ""}
                     for s, v in zip(SCORES, values, strict=True) if np.isfinite(v)]  # fmt: skip
            rows.append({"name": title, "x": x, "y": y, "label": title})
        hues = tuple((title, colour) for colour, title, _, _ in LOGS.values())
        spec = charts.lines(hues, "D's score s of a generated picture", "−log(1 − D)", (8, 20), (8, 20), HEIGHT)
        draw_chart(spec, rows, "The log of one minus a sigmoid, naive and exact")
        st.caption("Where the naive line ends, it is infinite.")


def _guarded() -> str:
    """How often a log of 0 was guarded in the recorded runs."""
    said = []
    for name in ("raw-log", "course"):
        if run := _run(name):
            count = sum(record.get("log_zero", 0) for record in run.history())
            said.append(f"{words.count(count)} in {OBJECTIVES[name].title}")
    return f"**Logs of 0 in the recorded runs:** {words.listed(said)}." if said else ""


def all_four() -> None:
    """Both ingredients, each alone and together: four sheets in lock-step, and what they end with."""
    found = {name: run for name in FOUR if (run := _run(name))}
    if len(found) < len(FOUR):
        st.info("The recorded runs are not all there: `python -m core record gan` makes them.")
        return
    labels = sorted({step for run in found.values() for step in library.steps(run, LONGEST)})
    scrubber(key="gan_four", axis="Iteration", frames=[words.count(label) for label in labels],
             panels=[_sheets(tuple(run.name for run in found.values()), found, labels)], at=len(labels) - 1,
             height=SHEETS, play_ms=picture.PLAY_MS,
             alt="What four generators draw from the same z: with and without the leak and the naive log")  # fmt: skip
    table, told = st.columns(2, gap="large")
    with table:
        st.markdown(_table(found))
    with told:
        st.markdown(_told(found))


@st.cache_resource(max_entries=2, show_spinner=False)
def _sheets(key: tuple[str, ...], _found: dict[str, Run], _labels: list[int]) -> dict:
    sides = []
    for name, run in _found.items():
        steps = library.steps(run, LONGEST)
        at = [sum(step <= label for step in steps) - 1 for label in _labels]
        about = [FOUR[name]] * len(_labels)
        sides.append(Sheets("", TITLES[name], [library.uri(run, step) for step in steps], at, about))
    return panel(sides, stream=str(key), title="64 samples", cols=COLUMNS, linked=True)


def _run(objective: str) -> Run | None:
    """The long recorded run of an objective, seed 42."""
    run = library.shown(Config(objective=objective, iterations=LONGEST))
    return run if run and run.samples and run.status == "done" else None


def _table(found: dict[str, Run]) -> str:
    """What all recorded seeds of the four end with, in Markdown."""
    lines = [["", "log", "leak", "seeds", "variety", "1s"], ["---"] * 6]
    for name, run in found.items():
        ends = {each.config["seed"]: library.measured(each, LONGEST)[-1]
                for each in library.seeds(library.config_of(run))}  # fmt: skip
        lines.append([
            f"**{TITLES[name]}**", "naive" if OBJECTIVES[name].naive else "from logits",
            "yes" if OBJECTIVES[name].shared_z else "no", words.listed(map(str, ends)),
            words.listed(f"{end['digit_entropy']:.2f}" for end in ends.values()),
            words.listed(words.certainty(end["digit_histogram"][1]) for end in ends.values()),
        ])  # fmt: skip
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _told(found: dict[str, Run]) -> str:
    """Which of the two ingredients does it, as the recordings have it."""
    ends = {name: library.measured(run, LONGEST)[-1] for name, run in found.items()}
    step = words.count(min(end["step"] for end in ends.values()))
    variety = {name: end["digit_entropy"] for name, end in ends.items()}
    leak, none = ([name for name in FOUR if OBJECTIVES[name].shared_z == leaks] for leaks in (True, False))
    gap = min(variety[name] for name in none) - max(variety[name] for name in leak)
    spread = max(abs(variety[one] - variety[other]) for one, other in (leak, none))
    if gap > 2 * spread:
        verdict = (
            f"**The leak does it.** After {step} iterations variety is "
            f"{_both(variety, none)} without it and {_both(variety, leak)} with it. The naive log makes little "
            "difference on either side."
        )
    else:
        least = min(variety, key=variety.get)
        verdict = f"After {step} iterations, **{TITLES[least]}** has the least variety, {variety[least]:.2f}."
    return (
        f"{verdict}\n\nAll four start from the same weights and see the same batches. But much less parts two runs "
        "as well (*The bet*), so one seed proves little: where there are several, the table shows them all."
    )


def _both(variety: dict[str, float], names: list[str]) -> str:
    return " and ".join(f"{variety[name]:.2f}" for name in names)
