"""Trainings started from a page: submit, stop, and how it stands with them in a line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import streamlit as st

from core import limits
from core.jobs.trainings import QUEUE
from core.runs import Run, RunError
from pages._shared import words
from pages._shared.server.turns import TURNS
from pages._shared.viewer import me

PROBLEM = "training_problem"  # in the session state: why the last click started nothing

TICK = 0.4  # seconds between two looks at a training
FIRST_TICK = 0.05  # until its first record is there


def offered(place: st.delta_generator.DeltaGenerator) -> bool:
    """Whether this server trains; where it only replays, a sentence stands in place of the buttons."""
    if limits.read_only():
        place.caption(limits.REPLAYS)
        return False
    return True


def nothing(instead: str, done: str = "recorded") -> str:
    """What is said where there is nothing to show: what to do ``instead``, where this server does anything."""
    if limits.read_only():
        return f"Nothing is {done} with these settings: choose others."
    return f"Nothing is {done} with these settings yet. {instead}"


def submit(topic: str, configs: Sequence[Any], again: bool = False) -> list[str]:
    """Put the runs of these configs into the queue; returns their names, none if that failed: ``tell`` says why."""
    try:
        return QUEUE.submit(topic, list(dict.fromkeys(configs)), me(), again)
    except limits.Refused as error:
        st.session_state[PROBLEM] = f"The training could not be started. {error}"
    except OSError as error:  # the disk is full, or the folder is not ours
        st.session_state[PROBLEM] = f"The training could not be started: {error.strerror or error}."
    return []


def tell() -> None:
    """Show why the last click started nothing, once."""
    if problem := st.session_state.pop(PROBLEM, None):
        st.warning(problem, icon=":material/info:")


def stop_button(place: st.delta_generator.DeltaGenerator, active: Sequence[Run], key: str) -> None:
    """A button that stops what this viewer may stop of the runs that are going on; none where there are none.

    It belongs before the button that trains: that one stays in its place, and a double click on it stops nothing.
    """
    if not active:
        return
    mine = [run.name for run in active if QUEUE.may_stop(run.name, me())]
    told = "What is recorded so far stays." if mine else "Only who started it can stop it."
    place.button("Stop", icon=":material/stop:", key=key, disabled=not mine, on_click=_stop, args=(mine,), help=told)


def _stop(names: list[str]) -> None:
    for name in names:
        QUEUE.stop(name, me())


@contextlib.contextmanager
def following(place: st.delta_generator.DeltaGenerator) -> Iterator[None]:
    """Around what follows a run: other pages are drawn meanwhile, and of damaged files a sentence tells there."""
    TURNS.over()
    try:
        yield
    except RunError as error:
        place.info(str(error))


def watch(names: Sequence[str]) -> None:
    """Say that this viewer looks at these runs, so that they go on."""
    for name in names:
        QUEUE.watch(name, me())


def pause(found: Sequence[Run | None]) -> float:
    """Seconds until the next look at these runs: soon while one of them has not said anything yet."""
    silent = any(run and run.status == "running" and not run.history() for run in found)
    return FIRST_TICK if silent else TICK


def state(name: str, run: Run | None, result: str = "done", doing: str = "training") -> str:
    """One line on how it stands with a run; ``result`` is said of one that is done, ``doing`` of one that is going."""
    if run is None:
        return f"{name}: not recorded yet"
    if run.status == "queued":
        place = QUEUE.place(run.name)
        return f"{name}: waits, place {place} in the queue" if place else f"{name}: starts"
    if run.status == "running":
        return f"{name}: {doing}{_progress(run)}"
    if run.status == "done":
        return f"{name}: {result}"
    return f"{name}: {run.reason if run.status == 'stopped' else f'{run.status}. {run.reason}'}"


def _progress(run: Run) -> str:
    history = run.history()
    if not history or not history[-1]["step"]:
        return ""
    last = history[-1]
    left = last["seconds"] * (last["steps"] / last["step"] - 1)
    return f" {100 * last['step'] / last['steps']:.0f}{words.THIN}%, {words.seconds(left)} left"
