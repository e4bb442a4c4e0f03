"""Fair fight: each optimizer at many learning rates."""

from __future__ import annotations

import dataclasses

import streamlit as st

from core import charts
from core.classifier import Config
from core.runs import Run
from pages._classifier import recordings
from pages._classifier.settings import OPTIMIZERS, Settings, label
from pages._shared import words
from pages._shared.charts import draw as draw_chart

OTHERS = ("#832db6", "#bd1f01", "#a96b59", "#717581", "#b9ac70")  # Petroff's, but those of A and B


def draw(settings: Settings, pair: dict[str, Run | None], epoch: int) -> None:
    """Test accuracy against learning rate for every optimizer of which several rates are recorded."""
    rows = _rows(f"{settings} {recordings.state()}", settings)
    if not rows:
        st.info(
            "No sweep over learning rates is recorded with these settings. There is one for CIFAR-10 with seed 42, "
            "LeakyReLU and 5 epochs; or train three rates of an optimizer yourself, and they appear here."
        )
        return
    chart, text = st.columns([3, 2], gap="large")
    with chart:
        rates = [row["lr"] for row in rows]
        top = min(100, 10 * (max(row["accuracy"] for row in rows) // 10 + 1))
        spec = charts.fair_fight(_hues(settings, rows), (min(rates), max(rates)), top, 300)
        draw_chart(spec, rows, "Test accuracy against learning rate, a line for each optimizer")
    with text:
        st.markdown("\n".join(f"* {line}" for line in _reading(rows)))
        st.caption(
            f"Test accuracy after {settings.a.epochs} epochs, seed {settings.a.seed}, one run a point. Another seed "
            "gives another curve: the line under the picture says how far seeds lie apart."
        )


def _hues(settings: Settings, rows: list[dict]) -> tuple[tuple[str, str], ...]:
    """The colour of each optimizer: that of the side which uses it, or another one if both or neither do."""
    a, b = (label(OPTIMIZERS, config.optimizer) for config in settings.sides.values())
    own = {a: charts.A, b: charts.B} if a != b and settings.a.activation == settings.b.activation else {}
    others = iter(OTHERS)
    return tuple((name, own.get(name) or next(others)) for name in dict.fromkeys(row["optimizer"] for row in rows))


@st.cache_resource(max_entries=64, show_spinner=False)
def _rows(key: str, _settings: Settings) -> list[dict]:
    """A row a run that differs from A in learning rate and optimizer alone; optimizers with three rates or more."""
    free = {"lr": None, "optimizer": None}
    wanted = {**dataclasses.asdict(_settings.a), **free}
    found = {}
    for run in recordings.library():
        if run.status == "done" and {**run.config, **free} == wanted:
            found[run.config["optimizer"], run.config["lr"]] = run
    many = {name for name, _ in found if sum(other == name for other, _ in found) >= 3}
    marks = _marks(_settings)
    tops = {
        name: max(recordings.accuracies(run)[-1] for (other, _), run in found.items() if other == name) for name in many
    }
    return [
        {
            "optimizer": label(OPTIMIZERS, name),
            "lr": lr,
            "accuracy": recordings.accuracies(run)[-1],
            "mark": marks.get((name, lr), ""),
            "best": recordings.accuracies(run)[-1] == tops[name],
        }
        for (name, lr), run in sorted(found.items())
        if name in many
    ]


def _marks(settings: Settings) -> dict[tuple[str, float], str]:
    """Where A and B stand on the chart."""

    def place(config: Config) -> tuple[str, float]:
        return config.optimizer, config.lr

    if place(settings.a) == place(settings.b) or settings.a.activation != settings.b.activation:
        return {place(settings.a): "A"}
    return {place(settings.a): "A", place(settings.b): "B"}


def _reading(rows: list[dict]) -> list[str]:
    """What the chart says: each optimizer's best, and the gap at the same rate and at the best ones."""
    best = {row["optimizer"]: row for row in rows if row["best"]}
    lines = [
        f"**{name}** is best at {row['lr']:g}: {words.percent(row['accuracy'] / 100)}" for name, row in best.items()
    ]
    same = [row["accuracy"] for row in rows if row["lr"] == 0.001]
    if len(best) == len(same) == 2:
        gap = (
            abs(same[0] - same[1]),
            max(v["accuracy"] for v in best.values()) - min(v["accuracy"] for v in best.values()),
        )
        lines.append(f"Both at 0.001, they are **{gap[0]:.0f} points** apart; each at its best, **{gap[1]:.0f}**")
    return lines
