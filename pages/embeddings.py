"""Embeddings: what has the network learned, and what does the picture invent? PCA beside t-SNE, replayed or live."""

from __future__ import annotations

import streamlit as st

from core import runs
from core.data import DataMissing
from core.runs import RunError
from pages._embeddings import library, live, notice, picture, settings, tabs
from pages._shared import heading, share, stage, training

with st.container(gap="xsmall"):
    corner = heading.draw(
        "Embeddings",
        "What has the network learned, and what does the picture invent?",
        ("emb_a_network", "emb_b_network"),
    )
    live.wanted()
    with st.container(key="controls", gap="xsmall"):
        chosen, bar = settings.controls(library.networks())
    try:
        configs = chosen.configs()
    except ValueError as error:  # the settings don't go together: the message says why
        st.warning(str(error), icon=":material/info:")
        st.stop()
    live.lay_out_next(chosen)
    found = {place: library.find(config) for place, config in configs.items()}
    network = live.network()
    going = [run for run in (network, *found.values()) if run and run.active]
    bar.markdown(notice.differs(chosen) if network is None else notice.trains(network))
    live.buttons(bar, chosen, found, going)
    if told := notice.warning(chosen):
        st.warning(told, icon=":material/warning:")
    place, frame = stage.place("embeddings"), 0
    if not going and network is None:
        with place:
            try:
                frame = picture.draw(chosen, found)
            except (DataMissing, RunError) as error:  # a file is damaged, or a network is gone: the message says it
                st.info(str(error))
    with corner:
        share.popover({f"{side or 'pixels'} {method}": runs.command("embeddings", config)
                       for (side, method), config in configs.items()}, notice.COMMANDS)  # fmt: skip
    st.markdown(f"**What to notice.** {notice.notice(chosen) if network is None else notice.TRAINING}")
    st.caption(notice.caption(chosen, found))

tabs.draw(chosen, found, frame, quick=not going and network is None)

if network is not None:
    with training.following(place):
        live.follow_training(network, chosen.points, place)
elif going:
    with training.following(place):
        live.follow(chosen, place)
