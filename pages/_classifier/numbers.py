"""The numbers behind the picture, to look at and to take home."""

from __future__ import annotations

import csv
import io

import numpy as np
import streamlit as st

from core import charts
from core.runs import Run
from pages._classifier import live, recordings
from pages._classifier.settings import Settings
from pages._shared import takeaway, training, words
from pages._shared.charts import draw as draw_chart
from pages._shared.charts import ink

HEIGHT = 280
COLUMNS = ("side", "run", "step", "epoch", "loss", "accuracy", "test_loss", "test_accuracy")


def draw(settings: Settings, pair: dict[str, Run | None], epoch: int) -> None:
    """Loss curves, accuracy of every class at the chosen epoch, a table of epochs, downloads."""
    found = {side: run for side, run in pair.items() if run and run.history()}
    if unreadable := recordings.unreadable():
        with st.expander("Folders among the runs that cannot be read", icon=":material/folder_off:"):
            st.markdown("\n".join(f"* {reason}" for reason in unreadable))
    if not found:
        st.info(training.nothing("Train it, and the numbers appear here."))
        return
    losses, classes = st.columns(2, gap="medium")
    with losses:
        st.caption("Loss in nats, A blue, B orange: thin on training images while they train, dots on all test images")
        spec = charts.curves(settings.a.epochs, "loss (nats)", None, HEIGHT)
        draw_chart(spec, live.curve_rows(pair, "loss"), "Loss of A and B over the epochs")
    with classes:
        st.caption(f"Share of right answers for every class after epoch {epoch}")
        draw_chart(
            charts.bars("right (%)", ink(), HEIGHT), _class_rows(settings, found, epoch), "Accuracy of every class"
        )
    st.dataframe(_table(settings, found), hide_index=True, width="stretch")
    _downloads(found)


def _class_rows(settings: Settings, found: dict[str, Run], epoch: int) -> list[dict]:
    names = recordings.class_names(settings.a.dataset)
    rows = []
    for side, run in found.items():
        records = recordings.tested(run)
        if records:
            counts = np.array(records[min(epoch, len(records) - 1)]["confusion"])
            right = 100 * counts.diagonal() / counts.sum(axis=1).clip(1)
            rows += [{"side": side, "name": n, "percent": float(v)} for n, v in zip(names, right, strict=True)]
    return sorted(rows, key=lambda row: names.index(row["name"]))


def _table(settings: Settings, found: dict[str, Run]) -> list[dict]:
    """A row an epoch; percentages as text, so that they read the same everywhere."""
    rows: list[dict] = [{"epoch": e} for e in range(settings.a.epochs + 1)]
    for side, run in found.items():
        for row, record in zip(rows, recordings.tested(run), strict=False):
            row[f"{side} test accuracy"] = words.percent(record["test_accuracy"], 2)
            row[f"{side} test loss"] = f"{record['test_loss']:.3f}"
    return rows


def _downloads(found: dict[str, Run]) -> None:
    row = st.container(horizontal=True)
    row.download_button(
        "Chart data (CSV)",
        lambda: _csv(found),
        "classifier.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/table:",
        key="clf_csv",
    )
    for side, run in found.items():
        if run.steps:
            row.download_button(
                f"Weights of {side}",
                lambda run=run: _weights(run),
                f"{run.name}.safetensors",
                on_click="ignore",
                icon=":material/download:",
                key=f"clf_weights_{side}",
            )
        takeaway.folder_button(row, f"Run folder of {side} (zip)", run, f"clf_zip_{side}")


def _csv(found: dict[str, Run]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    for side, run in found.items():
        writer.writerows({"side": side, "run": run.name, **record} for record in run.history())
    return text.getvalue()


def _weights(run: Run) -> bytes:
    return (run.path / "snapshots" / f"{run.steps[-1]}.safetensors").read_bytes()
