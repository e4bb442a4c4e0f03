"""Trainings started from the page: the buttons, the course's cures, and the picture that grows with the training."""

from __future__ import annotations

import time

import streamlit as st

from core import course
from core.gan.objectives import OBJECTIVES
from pages._gan import library, picture, sample
from pages._gan.library import Found
from pages._gan.settings import Settings, set_side
from pages._shared import again, stage, training, words
from pages._shared.components.scrubber import scrubber
from pages._shared.stage import Slot

REPEATED = "gan_again"  # in the session state: names of the runs that are trained again
GROWN = "gan_grown"  # in the session state: frames of the growing picture when it was last drawn
CURED = 20_000  # iterations that a cure is shown with: a minute or two of training


def runs_of(settings: Settings) -> Found:
    """The runs that the page shows: recorded, stood in for by longer or shorter ones, or going on."""
    names = again.shown("gan", settings.sides, REPEATED, library.find_by_name)
    return {side: library.find_by_name(names[side]) if names[side].endswith(again.AGAIN) else library.shown(config)
            for side, config in settings.sides.items()}  # fmt: skip


def compared_again(settings: Settings) -> list[str]:
    """After "Train again": for each side, whether every number came out as recorded."""
    return again.outcomes("gan", settings.sides, REPEATED, library.find_by_name)


def active(found: Found) -> list[str]:
    """The names of the runs on the page that are going on."""
    return [run.name for run in found.values() if run and run.active]


def buttons(bar: st.delta_generator.DeltaGenerator, settings: Settings, found: Found) -> None:
    """Train what is missing, or all of it again; the course's cures; stop."""
    going = [run for run in found.values() if run and run.active]
    exact = [library.find(config) for config in settings.sides.values()]
    recorded = all(run is not None and run.status == "done" for run in exact)
    empty = any(run is None or not run.samples for run in found.values())
    row = bar.container(horizontal=True, horizontal_alignment="right")
    training.stop_button(row, going, "gan_stop")
    with row.popover("The course's cures", icon=":material/healing:", disabled=bool(going)):
        _cures()
    if not training.offered(row):
        return
    row.button("Train again" if recorded else "Train live", key="gan_train", icon=":material/play_arrow:",
               type="primary" if empty else "secondary", disabled=bool(going), on_click=_train,
               args=(settings, recorded), help="Trains both sides now and checks that every number comes out as "
               "recorded." if recorded else "Trains what is not recorded with exactly these settings, A and B side by "
               "side, with a new sheet every second or so.")  # fmt: skip
    training.tell()


def _cures() -> None:
    st.caption("The course suggested these against the 1s. A: its notebook. B: the same with one cure.")
    for name, changed in course.GAN_CURES.items():
        title = OBJECTIVES[changed["objective"]].title if "objective" in changed else ""
        st.button(name[0].upper() + name[1:] + (f": {title}" if title else ""), key=f"gan_cure_{name}",
                  on_click=_cure, args=(changed,), width="stretch")  # fmt: skip


def _cure(changed: dict[str, str]) -> None:
    set_side("A", objective="course")
    set_side("B", **{"objective": "course", **changed})
    st.session_state["gan_iterations"] = CURED
    st.query_params.pop("gan_at", None)


def _train(settings: Settings, repeat: bool) -> None:
    st.query_params.pop("gan_at", None)
    configs = [config for config in settings.sides.values() if repeat or not _is_done(config)]
    names = training.submit("gan", configs, repeat)
    st.session_state.pop(GROWN, None)
    st.session_state[REPEATED] = names if repeat else []


def _is_done(config) -> bool:
    run = library.find(config)
    return run is not None and run.status == "done"


def follow(settings: Settings, place: st.delta_generator.DeltaGenerator) -> None:
    """Draw the growing picture again and again until nothing is going on any more, then run the page once more.

    A loop and not a timer: a click anywhere interrupts it at once, and none is lost.
    """
    whole = place.container(gap="xsmall")
    line, grown = Slot(whole), Slot(whole)
    shown: dict = {}
    at = _left_at()
    while True:
        found = runs_of(settings)
        names = active(found)
        training.watch(names)
        with line:
            st.markdown("\u2003".join(_state(settings, side, found) for side in found))
        _draw_growing(settings, found, grown, shown, at)
        if not names:
            st.rerun()
        time.sleep(training.pause([run for run in found.values() if run and run.active]))


def _state(settings: Settings, side: str, found: Found) -> str:
    run = found[side]
    record = library.at(run, settings.iterations, settings.iterations)
    said = f", variety {record['digit_entropy']:.2f}" if record and run.active else ""
    return training.state(side, run, f"{words.count(record['step'])} iterations" if record else "done") + said


def _left_at() -> int | None:
    """The frame at which the viewer let go while the picture grew; None at its end, where the newest is shown."""
    moved = st.session_state.get(picture.KEY, {}).get("frame")
    frame = moved[0] if isinstance(moved, list) and moved and isinstance(moved[0], int) else None
    return frame if frame is not None and frame < st.session_state.get(GROWN, 0) - 1 else None


def _draw_growing(settings: Settings, found: Found, place: Slot, shown: dict, at: int | None) -> None:
    """The picture as far as it is; sheets that the browser has are not sent again. ``at``: where the viewer left it."""
    labels = picture.frames(settings, found)
    if labels == shown.get("labels"):
        return
    shown["labels"] = labels
    if not labels:
        with place:
            stage.empty("The first sheets come in a moment.", picture.HEIGHT)
        return
    sent = shown.get("sent", {"A": 0, "B": 0})
    grown = picture.panels(settings, found, labels, sent)
    where = shown.setdefault("at", len(labels) - 1 if at is None else at)  # the same from now on: no jump
    with place:
        scrubber(key=picture.KEY, axis="Iteration", frames=[words.count(label) for label in labels], panels=grown,
                 at=where, height=picture.HEIGHT - 30, play_ms=picture.PLAY_MS, rest=picture.REST + 30, live=True,
                 again="sent" in shown, alt=picture.ALT)  # fmt: skip
    counts = {side: len(library.steps(run, settings.iterations)) for side, run in found.items()}
    sample.open_clicked(settings, found)
    st.session_state[GROWN] = len(labels)
    shown["sent"] = {side: max(0, count - 1) for side, count in counts.items()}
