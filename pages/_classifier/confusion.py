"""Confusion matrix of A and B at the chosen epoch; a click on a cell shows its images."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import charts, data
from core.classifier import inside
from core.runs import Run
from pages._classifier import recordings
from pages._classifier.picture import COLOURS
from pages._classifier.settings import Settings
from pages._shared import gallery, training, words
from pages._shared.charts import draw as draw_chart
from pages._shared.charts import ink

MOST = 12  # images shown of a cell
HEIGHT = 380  # pixels of a matrix; more where many classes need it
ROW = 18


def draw(settings: Settings, pair: dict[str, Run | None], epoch: int) -> None:
    """Both matrices, and below each the images of the cell that was clicked last."""
    if not any(pair.values()):
        st.info(training.nothing("Train it, and its confusion matrix appears here."))
        return
    for side, column in zip("AB", st.columns(2, gap="medium"), strict=True):
        with column:
            _matrix(side, pair[side], epoch, settings.a.dataset)


def _matrix(side: str, run: Run | None, epoch: int, dataset: str) -> None:
    records = recordings.tested(run)
    if not records:
        st.caption(f"{side} is not recorded yet.")
        return
    record = records[min(epoch, len(records) - 1)]
    classes = recordings.class_names(dataset)
    counts = np.array(record["confusion"])
    worst, best = _extremes(counts, classes)
    st.markdown(f"**{side}** after epoch {record['epoch']:.0f}: best at *{best}*, worst at *{worst}*")
    spec = charts.confusion(classes, COLOURS[side], ink(), max(HEIGHT, ROW * len(classes)))
    picked = draw_chart(
        spec, _rows(counts, classes), f"Confusion matrix of {side}", key=f"clf_cell_{side.lower()}", on_select="rerun"
    )
    _cell(side, run, min(epoch, len(records) - 1), dataset, classes, picked.selection.get("pick") or [])


def _extremes(counts: np.ndarray, classes: tuple[str, ...]) -> tuple[str, str]:
    """The classes with the lowest and the highest share of right answers."""
    share = counts.diagonal() / counts.sum(axis=1).clip(1)
    return tuple(f"{classes[i]} ({words.percent(share[i], 0)})" for i in (share.argmin(), share.argmax()))


def _rows(counts: np.ndarray, classes: tuple[str, ...]) -> list[dict]:
    totals = counts.sum(axis=1).clip(1)
    return [
        {"true": true, "called": called, "count": int(counts[i, j]), "share": float(counts[i, j] / totals[i])}
        for i, true in enumerate(classes)
        for j, called in enumerate(classes)
    ]


def _cell(side: str, run: Run, epoch: int, dataset: str, classes: tuple[str, ...], picked: list[dict]) -> None:
    """The images of the picked cell, or the most certain mistakes while none is picked."""
    if not data.available(dataset):
        st.caption(f"The images behind the cells appear here when {data.title(dataset)} is on this machine.")
        return
    loaded = data.load(dataset)
    if run.data.get("identity") != loaded.identity:
        st.caption(f"{side} was recorded on other copies of the images, so they are not shown here.")
        return
    if recordings.network_of(run, epoch) is None:
        st.caption(f"The weights of {side} after this epoch were not kept; the images appear at the last epoch.")
        return
    split = loaded.test
    certainty = recordings.all_certainties(run.name, epoch, str(sorted(run.checksums.items())))
    if picked and {picked[0].get("true"), picked[0].get("called")} <= set(classes):
        true, called = classes.index(picked[0]["true"]), classes.index(picked[0]["called"])
        found = inside.members(certainty, split.labels, true, called, MOST)
        title = f"{classes[true]} that {side} calls {classes[called]}, the most certain first"
    else:
        found = inside.confident_errors(certainty, split.labels, MOST)
        title = f"The most certain mistakes of {side}. Click a cell to see its images."
    st.caption(title)
    if len(found):
        called = [
            f"{classes[c]} {words.percent(p, 0)}"
            for c, p in zip(certainty[found].argmax(1), certainty[found].max(1), strict=True)
        ]
        gallery.draw(split.images[found], [f"is {classes[split.labels[i]]}" for i in found], called)
    else:
        st.caption("With the weights as they are stored, rounded, there is no such image.")
