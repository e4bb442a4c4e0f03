"""Below the picture: depth, a tab at a time. Only the chosen tab is worked out."""

from __future__ import annotations

import inspect

import streamlit as st

from core.adversarial import attacks
from core.data import DataMissing
from core.runs import RunError
from pages._adversarial import course_runs, curves, how, matrix, numbers, others
from pages._adversarial.settings import Settings
from pages._adversarial.walks import Walk
from pages._shared.components.perturbation import Place

NAMES = ("Other images", "Matrix", "Accuracy against ε", "The course's runs", "Numbers", "How it works", "Source")


def draw(chosen: Settings, found: dict[str, Walk], place: Place) -> None:
    """Draw the row of names, and what belongs to the chosen one. A click in here runs only this part of the page."""
    st.fragment(_chosen)(chosen, found, place)


def _chosen(chosen: Settings, found: dict[str, Walk], place: Place) -> None:
    contents = (others.draw, matrix.draw, curves.draw, course_runs.draw, numbers.draw, how.draw, _source)
    name = st.segmented_control("Look closer", NAMES, default=NAMES[0], required=True, key="adv_tab",
                                bind="query-params", label_visibility="collapsed")  # fmt: skip
    try:
        contents[NAMES.index(name)](chosen, found, place)
    except (DataMissing, RunError, ValueError) as error:  # images or weights are gone or damaged: the message says it
        st.info(str(error))


def _source(chosen: Settings, found: dict[str, Walk], place: Place) -> None:
    st.caption("The step and the loop of every attack, from core/adversarial/attacks.py. FGSM is one step of it.")
    one, two = st.tabs(["Step", "Loop"])
    one.code(inspect.getsource(attacks.advance), language="python")
    two.code(inspect.getsource(attacks.walk), language="python")
