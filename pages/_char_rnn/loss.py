"""The loss over the iterations: ours on batches and on held-out text, and the course's twenty values."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable

import pyarrow as pa
import streamlit as st

from core import charts, course
from core.data.vocabulary import VOCABULARY
from core.runs import Run
from pages._char_rnn import library
from pages._char_rnn.picture import Shown
from pages._char_rnn.settings import Settings
from pages._shared import seeds, takeaway, words
from pages._shared.charts import draw as draw_chart
from pages._shared.charts import table as arrow

HEIGHT = 330
POINTS = 300  # of a curve, at most
NATS, PERPLEXITY = "Nats", "Perplexity"
TITLES = {NATS: "loss (nats per character)", PERPLEXITY: "perplexity (characters)"}
CEILING = {NATS: 2.4, PERPLEXITY: 11.0}  # what comes before is the first few iterations


def draw(settings: Settings, frames: list[tuple[str, list[Shown]]]) -> None:
    """The curves, a table of the last figures, downloads."""
    found = {side: library.find(network.name) for side, network in settings.networks.items()}
    if found["A"] and found["B"] and found["A"].name == found["B"].name:
        found["B"] = None  # one network: one pair of curves
    chart, table = st.columns([3, 2], gap="medium")
    with chart:
        row = st.container(horizontal=True, vertical_alignment="center")
        unit = row.segmented_control("Unit", [NATS, PERPLEXITY], default=NATS, required=True, key="rnn_unit",
                                     bind="query-params", label_visibility="collapsed")  # fmt: skip
        with row:
            bands = seeds.switch()
        last = max([2, *(config_steps(run) for run in found.values() if run)])
        spec = charts.losses(last, TITLES[unit], HEIGHT, (0.0 if unit == PERPLEXITY else 1.0, CEILING[unit]))
        draw_chart(spec, _rows(found, unit, bands), "Loss of A and B over the iterations, and the course's")
        st.caption("Thin: batches. Thick: held-out text. Dashes: the course. Band: the recorded seeds, held out.")
    with table:
        st.markdown(_table(settings, found))
        st.caption(
            "**Batch**: the mean loss of the last 100 iterations. **Held out**: the last 5\u202f% of the text, never "
            "trained on. The course reported single batches, the grey dashes. **Perplexity** is the exponential of the "
            "loss: as unsure as among so many equally probable characters."
        )
    _downloads(found, frames)


def _rows(found: dict[str, Run | None], unit: str, bands: bool) -> pa.Table:
    """The rows as a table, put together once for all viewers."""
    others = [run.name for side in found.values() if side and bands for run in library.seeds(side)]
    known = [(run.name, len(run.history())) if run else None for run in found.values()]
    return _kept_rows(f"{known} {others} {unit} {bands}", found, unit, bands)


@st.cache_resource(max_entries=32, show_spinner=False)
def _kept_rows(key: str, _found: dict[str, Run | None], _unit: str, _bands: bool) -> pa.Table:
    return arrow(rows(_found, _unit, _bands))


def config_steps(run: Run) -> int:
    return int(run.config.get("iterations", 0))


def rows(found: dict[str, Run | None], unit: str = NATS, bands: bool = False) -> list[dict]:
    """Rows for ``charts.losses``."""
    scale = math.exp if unit == PERPLEXITY else float
    made, reported = [], None
    for side, run in found.items():
        history = run.history() if run else []
        every = max(1, len(history) // POINTS)
        for kind, key, records in (("batch", "loss", history[::every]), ("held out", "heldout_loss", history)):
            made += [{"side": side, "kind": kind, "step": record["step"], "value": scale(record[key])}
                     for record in records if key in record and record[key] < 20]  # fmt: skip
        made += _band(side, run, scale) if run and bands else []
        reported = reported or (course.training_losses(library.config_of(run)) if run else None)
    last = max([0, *(config_steps(run) for run in found.values() if run)])
    made += [{"side": "course", "kind": "course", "step": step, "value": scale(value)}
             for step, value in reported or () if step <= last]  # fmt: skip
    return made or [{"side": "A", "kind": "none", "step": 0, "value": 1}]


def _band(side: str, run: Run, scale: Callable[[float], float]) -> list[dict]:
    """From the lowest to the highest held-out loss of all seeds at each step; nothing where there is one seed."""
    curves = [[(r["step"], scale(r["heldout_loss"])) for r in each.history() if "heldout_loss" in r]
              for each in library.seeds(run)]  # fmt: skip
    steps = [step for step, _ in min(curves, key=len, default=[])]
    spread = seeds.band([[value for _, value in curve] for curve in curves], len(steps)) or ()
    return [{"side": side, "kind": "band", "step": step, "value": low, "high": high}
            for step, (low, high) in zip(steps, spread, strict=False) if high < 20]  # fmt: skip


def _table(settings: Settings, found: dict[str, Run | None]) -> str:
    """The last figures, as Markdown."""
    made = [["network", "batch", "held out", "perplexity, held out"], ["---", "--:", "--:", "--:"]]
    for side, run in found.items():
        if run is not None:
            figures = [_figure(run, name) for name in ("train_loss", "heldout_loss", "heldout_perplexity")]
            made.append([f"{side} · {settings.networks[side].title}", *figures])
    made.append(["course", f"{course.LOSSES[-1]:.3f}", "not reported", "not reported"])
    return "\n".join(f"| {' | '.join(row)} |" for row in made)


def _figure(run: Run, name: str) -> str:
    return f"{run.metrics[name]:.3f}" if name in run.metrics else f"{run.status}"


def _downloads(found: dict[str, Run | None], frames: list[tuple[str, list[Shown]]]) -> None:
    row = st.container(horizontal=True)
    if frames:
        row.download_button("Texts (txt)", lambda: texts(frames), "char-rnn.txt", "text/plain", on_click="ignore",
                            icon=":material/description:", key="rnn_txt")  # fmt: skip
        row.download_button("Characters with their numbers (CSV)", lambda: characters(frames), "char-rnn.csv",
                            "text/csv", on_click="ignore", icon=":material/table:", key="rnn_csv")  # fmt: skip
    for side, run in found.items():
        if run is not None:
            takeaway.folder_button(row, f"Run folder of {side} (zip)", run, f"rnn_zip_{side.lower()}")


def _name(label: str, one: Shown) -> str:
    return words.listed([one.side, one.title, f"temperature {one.temperature}"])


def texts(frames: list[tuple[str, list[Shown]]]) -> str:
    """All texts on the page, each under a line that says whose it is."""
    return "\n\n".join(f"=== {_name(label, one)}\n{one.take.text}" for label, shown in frames for one in shown) + "\n"


def characters(frames: list[tuple[str, list[Shown]]]) -> str:
    """A line a character: surprise, probability, entropies, and the most probable ones with their probabilities."""
    table = io.StringIO()
    write = csv.writer(table).writerow
    write(["text", "place", "character", "given", "surprise_bits", "probability", "entropy_before_bits",
           "entropy_after_bits", "top", "before", "after"])  # fmt: skip
    for label, shown in frames:
        for one in shown:
            take = one.take
            for i, char in enumerate(take.text):
                top = "".join(VOCABULARY[code] for code in take.top[i]) if i else ""
                numbers = [take.surprise[i], take.probability[i], *take.entropy[i]]
                write([_name(label, one), i, char, int(i < take.prime),
                       *("" if math.isnan(value) else f"{value:.5g}" for value in numbers), repr(top),
                       *(" ".join(f"{p:.4g}" for p in shares) for shares in take.shares[i])])  # fmt: skip
    return table.getvalue()
