"""Training from the page: the buttons, who waits for what, and the charts that follow a training."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager

import streamlit as st

from core import charts, data
from core.runs import Run
from pages._classifier import download, recordings
from pages._classifier.settings import Settings
from pages._shared import again, training, words
from pages._shared.charts import draw
from pages._shared.stage import Slot

POINTS = 200  # of a training curve, at most
REPEATED = "clf_again"  # in the session state: names of the runs that are trained again


def shown(settings: Settings) -> dict[str, str]:
    """The names of the runs that the page shows: those of the settings, or of a repetition that is going on."""
    return again.shown("classifier", settings.sides, REPEATED, recordings.find)


def buttons(settings: Settings, pair: dict[str, Run | None]) -> None:
    """Train and Stop. Training both sides again checks that the numbers come out the same."""
    row = st.container(horizontal=True, horizontal_alignment="right")
    if not training.offered(row):
        return
    active = [run for run in pair.values() if run and run.active]
    training.stop_button(row, active, "clf_stop")
    recorded = all(run is not None and run.status == "done" for run in pair.values())
    if not data.available(settings.a.dataset):
        download.offer(row, settings.a.dataset)
        return
    row.button(
        "Train again" if recorded else "Train live",
        type="secondary" if recorded else "primary",
        key="clf_train",
        icon=":material/play_arrow:",
        disabled=bool(active),
        on_click=_train,
        args=(settings, recorded),
        help="Trains both sides now and checks that every number comes out as recorded."
        if recorded
        else "Trains what is not recorded yet, A and B side by side.",
    )
    training.tell()


def _train(settings: Settings, repeat: bool) -> None:
    found = training.submit("classifier", list(settings.sides.values()), repeat)
    st.session_state[REPEATED] = found if repeat else []


def state(side: str, run: Run | None) -> str:
    """One line on how it stands with a side."""
    done = run is not None and run.status == "done"
    return training.state(side, run, words.percent(run.metrics["test_accuracy"]) if done else "")


def follow(settings: Settings, watched: dict[str, str], place: st.delta_generator.DeltaGenerator) -> None:
    """Draw the live charts again and again until no run is active any more, then run the page once more.

    A loop and not a timer: a click anywhere interrupts it at once, and none is lost.
    """
    places = [Slot(one) for one in _places(place.container(gap="xsmall"))]
    while True:
        pair = {side: recordings.find(name) for side, name in watched.items()}
        training.watch(list(watched.values()))
        _draw(settings, pair, places)
        if not any(run and run.active for run in pair.values()):
            st.rerun()
        time.sleep(training.pause(list(pair.values())))


def still(settings: Settings, pair: dict[str, Run | None]) -> None:
    """The charts of runs that ended before their time, as far as they go."""
    _draw(settings, pair, _places(st.container(gap="xsmall")))


def _places(whole: st.delta_generator.DeltaGenerator) -> list[st.delta_generator.DeltaGenerator]:
    """Where the state, the accuracies and the losses are drawn, in as much room as the replay takes."""
    line = whole.container()
    accuracy, loss = whole.columns([3, 2])
    accuracy.caption("Accuracy: dots on all test images, thin lines on the training images")
    loss.caption("Loss, the same way")
    return [line, accuracy, loss]


def _draw(settings: Settings, pair: dict[str, Run | None], places: Sequence[AbstractContextManager]) -> None:
    line, accuracy, loss = places
    with line:
        st.markdown("\u2003".join(state(side, run) for side, run in pair.items()))
    for place, what, title, domain in (
        (accuracy, "accuracy", "accuracy (%)", (0, 100)),
        (loss, "loss", "loss (nats)", None),
    ):
        spec, rows = charts.curves(settings.a.epochs, title, domain, recordings.HEIGHT - 40), curve_rows(pair, what)
        with place:
            draw(spec, rows, f"{title} of A and B while they train")


def curve_rows(pair: dict[str, Run | None], what: str) -> list[dict]:
    """Rows for ``charts.curves``: ``what`` is "accuracy" (in %) or "loss" (nats); training curves are thinned."""
    factor = 100 if what == "accuracy" else 1
    rows = []
    for side, run in pair.items():
        history = run.history() if run else []
        every = max(1, len(history) // POINTS)
        for kind, key, records in (("train", what, history[::every]), ("test", f"test_{what}", history)):
            rows += [
                {"side": side, "kind": kind, "epoch": record["epoch"], "value": factor * record[key]}
                for record in records
                if key in record
            ]
    return rows or [{"side": "A", "kind": "none", "epoch": 0, "value": 0}]


def compared_again(settings: Settings) -> list[str]:
    """After "Train again": for each side, whether every number came out as recorded."""
    return again.outcomes("classifier", settings.sides, REPEATED, recordings.find)
