"""The numbers behind the picture, what each of them misses, and everything to take home."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import streamlit as st

from core.gan import sheets
from core.gan.measures import MEASURES
from core.runs import Run
from pages._gan import library
from pages._gan.library import Found
from pages._gan.settings import Settings, short
from pages._shared import takeaway, training, words

SINGLE = ("digit_entropy", "certainty", "unsure", "frechet")  # measures of one number
COLUMNS = ("step", "d_loss", "g_loss", "d_real", "d_fake", "d_grad", "g_grad", "log_zero", *SINGLE)


def draw(settings: Settings, found: Found, iteration: int) -> None:
    """A table of measures at the iteration of the picture, beside real digits; downloads."""
    at = {side: library.at(run, iteration, settings.iterations) for side, run in found.items()}
    if not any(at.values()):
        st.info(training.nothing("Train it, and the numbers appear here."))
        return
    st.caption(
        f"After {words.count(iteration)} iterations, on 2\u202f000 samples from fixed z. The judge is the small "
        "network for digits that comes with the project. No single number says how good a generator is."
    )
    columns = {"A": at["A"], "B": at["B"], "real digits": library.real()}
    st.markdown(_table(columns))
    _downloads(settings, found)


def _table(columns: dict[str, dict[str, Any] | None]) -> str:
    """A row a measure, in Markdown: a table of Streamlit's own would cut the sentences."""
    lines = [["measure", *columns, "how to read it", "what it misses"], ["---"] * (len(columns) + 3)]
    for name in ("digit_histogram", *SINGLE):
        measure = MEASURES[name]
        title = measure.title + (", 1s" if name == "digit_histogram" else "")
        figures = [_figure(name, record) for record in columns.values()]
        lines.append([f"**{title}**", *figures, measure.reading, measure.misses])
    return re.sub(r"(\d),(\d{3})", rf"\1{words.THIN}\2", "\n".join(f"| {' | '.join(line)} |" for line in lines))


def _figure(name: str, record: dict[str, Any] | None) -> str:
    if record is None:
        return "–"
    value = record[name]
    if name == "digit_histogram":
        return words.certainty(value[1])
    if name == "frechet":
        return words.count(round(value))
    return words.percent(value, 1) if name == "unsure" else f"{value:.2f}"


def _downloads(settings: Settings, found: Found) -> None:
    st.download_button("All measures of both (CSV)", lambda: table(found), "gan.csv", "text/csv", on_click="ignore",
                       icon=":material/table:", key="gan_csv")  # fmt: skip
    for side, run in found.items():
        if run is None or not run.samples:
            continue
        row = st.container(horizontal=True, vertical_alignment="center")
        row.markdown(f"**{side}** · {short(settings.sides[side])}", width="content")
        row.download_button("Animation of the sheets (GIF)", lambda run=run: animation(run, settings.iterations),
                            f"{run.name}.gif", "image/gif", on_click="ignore", icon=":material/gif_box:",
                            key=f"gan_gif_{side}")  # fmt: skip
        if run.steps:
            step = max((step for step in run.steps if step <= settings.iterations), default=run.steps[0])
            row.download_button(f"G after {words.count(step)} (safetensors)",
                                lambda run=run, step=step: weights(run, step), f"{run.name}-{step}.safetensors",
                                "application/octet-stream", on_click="ignore", icon=":material/neurology:",
                                key=f"gan_weights_{side}")  # fmt: skip
        takeaway.folder_button(row, "Run folder (zip)", run, f"gan_zip_{side}")


def animation(run: Run, most: int) -> bytes:
    """All sheets of a run up to an iteration as a GIF."""
    steps = library.steps(run, most)
    captions = [f"{run.config['objective']}, after {step:,} iterations" for step in steps]
    return sheets.animation([run.sample(step) for step in steps], captions)


def weights(run: Run, step: int) -> bytes:
    """The file with the weights of G, as it is kept."""
    return (run.path / f"snapshots/{step}.safetensors").read_bytes()


def table(found: Found) -> str:
    """A line a record of each side; what was not measured then stays empty."""
    text = io.StringIO()
    write = csv.writer(text).writerow
    write(["side", "run", *COLUMNS, *(f"share_of_{digit}" for digit in range(10))])
    for side, run in found.items():
        for record in run.history() if run else []:
            write(
                [side, run.name, *(record.get(name, "") for name in COLUMNS), *record.get("digit_histogram", [""] * 10)]
            )
    return text.getvalue()
