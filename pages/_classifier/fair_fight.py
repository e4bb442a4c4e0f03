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


def draw(settings: Settings, pair: dict[str, Run | None], epoch: int) -> None:
    """Test accuracy against learning rate for every optimizer of which several rates are recorded."""
    rows = _rows(settings)
    if not rows:
        st.info("No sweep over learning rates is recorded with these settings. On CIFAR-10 with seed 42 there is one; "
                "or train a few rates yourself, and they appear here.")  # fmt: skip
        return
    chart, text = st.columns([3, 2], gap="large")
    with chart:
        draw_chart(charts.fair_fight(300), rows, "Test accuracy against learning rate, a line for each optimizer")
    with text:
        st.markdown("\n".join(f"* {line}" for line in _reading(rows)))
        st.caption(f"Test accuracy after {settings.a.epochs} epochs, seed {settings.a.seed}. One seed a point: a gap "
                   "of a point or two is within the spread over seeds.")  # fmt: skip


def _rows(settings: Settings) -> list[dict]:
    """A row a run that differs from A or B in nothing but learning rate and optimizer; only optimizers with three rates."""
    free = {"lr": None, "optimizer": None}
    wanted = {**dataclasses.asdict(settings.a), **free}
    found = {}
    for run in recordings.library():
        if run.status == "done" and {**run.config, **free} == wanted:
            found[run.config["optimizer"], run.config["lr"]] = run
    many = {name for name, _ in found if sum(other == name for other, _ in found) >= 3}
    marks = _marks(settings)
    return [
        {"optimizer": label(OPTIMIZERS, name), "lr": lr, "accuracy": 100 * run.metrics["test_accuracy"],
         "mark": marks.get((name, lr), ""), "label": label(OPTIMIZERS, name)}
        for (name, lr), run in sorted(found.items()) if name in many
    ]  # fmt: skip


def _marks(settings: Settings) -> dict[tuple[str, float], str]:
    """Where A and B stand on the chart."""

    def place(config: Config) -> tuple[str, float]:
        return config.optimizer, config.lr

    comparable = settings.a.activation == settings.b.activation
    return {place(settings.a): "A", **({place(settings.b): "B"} if comparable else {})}


def _reading(rows: list[dict]) -> list[str]:
    """What the chart says, in a sentence an optimizer."""
    lines = []
    for name in dict.fromkeys(row["optimizer"] for row in rows):
        own = [row for row in rows if row["optimizer"] == name]
        best = max(own, key=lambda row: row["accuracy"])
        course = next((row for row in own if row["lr"] == 0.001), None)
        text = f"**{name}** is best at {best['lr']:g}: {words.percent(best['accuracy'] / 100)}"
        lines.append(text + (f"; at 0.001 it reaches {words.percent(course['accuracy'] / 100)}" if course else ""))
    return [*lines, "At the same rate you compare rates, not optimizers."]
