"""When the images of a data set are not on this machine: say so, and offer to fetch them."""

from __future__ import annotations

import threading
import time

import streamlit as st

from core import data, download, limits

TICK = 0.5  # seconds between two looks at a download


def offer(name: str) -> st.delta_generator.DeltaGenerator:
    """A line with a button; returns the place below it for the progress."""
    title = data.title(name)
    if limits.read_only():
        st.caption(f"The images of {title} are not on this server. Recorded runs replay without them.")
        return st.empty()
    row = st.columns([8, 3], vertical_alignment="center")
    row[0].caption(
        f"The images of {title} are not on this machine. Recorded runs replay without them; to train on "
        "them, download them. MNIST trains at once."
    )
    going = is_going(name)
    size = sum(file.size for file in download.SOURCES[name].files) / 1e6
    if row[1].button(
        f"Download {title}, {size:.0f} MB", icon=":material/download:", disabled=going, key="clf_download"
    ):
        threading.Thread(target=_fetch, args=(name,), name=f"download-{name}", daemon=True).start()
        time.sleep(TICK / 2)
        st.rerun()
    state = download.status(name)
    if state is not None and state.phase == "failed":
        st.warning(state.message, icon=":material/cloud_off:")
    return st.empty()


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
