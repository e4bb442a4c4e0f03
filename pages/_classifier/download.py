"""When the images of a data set are not on this machine: say so, and offer to fetch them."""

from __future__ import annotations

import threading
import time

import streamlit as st

from core import data
from core.data import download

TICK = 0.5  # seconds between two looks at a download


def offer(place: st.delta_generator.DeltaGenerator, name: str) -> None:
    """A button that opens what there is to say, and another one that starts the download."""
    title, state = data.title(name), download.status(name)
    with place.popover(f"Get {title} to train", icon=":material/download:"):
        st.caption(
            f"The images of {title} are not on this machine. Recorded runs replay without them; to train on "
            "them, download them. MNIST trains at once."
        )
        size = sum(file.size for file in download.SOURCES[name].files) / 1e6
        st.button(
            f"Download {title}, {size:.0f} MB", icon=":material/download:", disabled=is_going(name),
            key="clf_download", on_click=_start, args=(name,)
        )  # fmt: skip
        if state is not None and state.phase == "failed":
            st.warning(state.message, icon=":material/cloud_off:")


def _start(name: str) -> None:
    threading.Thread(target=_fetch, args=(name,), name=f"download-{name}", daemon=True).start()
    time.sleep(TICK / 2)  # so that this run of the page sees it going


def is_going(name: str) -> bool:
    """Whether somebody is downloading the data set now."""
    state = download.status(name)
    return state is not None and state.phase not in ("done", "failed")


def follow(name: str, bar: st.delta_generator.DeltaGenerator) -> None:
    """Show the progress until the download has ended, then run the page once more."""
    while is_going(name):
        state = download.status(name)
        if state is not None:
            share = state.received / state.total if state.total else 0.0
            bar.progress(min(1.0, share), f"{data.title(name)}: {state.phase}. {state.message}")
        time.sleep(TICK)
    st.rerun()


def _fetch(name: str) -> None:
    """Download in the server; how it went is in ``download.status``, which every session reads."""
    try:
        download.fetch(name)
    except download.DownloadError as error:
        print(f"{name}: {error}", flush=True)
