"""Training once more what is recorded already: do the same settings give the same numbers?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core import runs
from core.runs import Run
from pages._shared import training, words

AGAIN = ".again"  # ends the name of a run that is trained a second time, to be compared with the first
SAME = "the same numbers, bit for bit."
OTHER = (
    "other numbers from step {step} on. Another version of torch, another processor or other copies of the images "
    "change the last digits, and those grow."
)
Find = Callable[[str], Run | None]  # the run of a name as it is now


def shown(topic: str, sides: dict[str, Any], key: str, find: Find) -> dict[str, str]:
    """Side → name of its run, or of the repetition of it that is going on.

    Args:
        sides: side → config.
        key: of the session state, with the names of the repetitions that this viewer asked for.
        find: looks up a run.
    """
    asked = st.session_state.get(key, ())
    names = {side: runs.run_name(topic, config) for side, config in sides.items()}
    return {side: name + AGAIN if name + AGAIN in asked and _is_active(find(name + AGAIN)) else name
            for side, name in names.items()}  # fmt: skip


def _is_active(run: Run | None) -> bool:
    return run is not None and run.active


def outcomes(topic: str, sides: dict[str, Any], key: str, find: Find) -> list[str]:
    """For each side that was trained again, whether every number came out as recorded, or why that is not known."""
    said = []
    asked = st.session_state.get(key, ())
    for side, config in sides.items():
        name = runs.run_name(topic, config)
        if name + AGAIN not in asked:
            continue
        first, second = find(name), find(name + AGAIN)
        if not first or not second or second.active:
            continue
        if second.status == "done":
            step = runs.first_difference(first, second)
            outcome = SAME if step is None else OTHER.format(step=words.count(step))
            said.append(f"{side}, trained again, gave {outcome}")
        else:
            said.append(f"{training.state(f'{side}, trained again', second)} What is shown was recorded before.")
    return said
