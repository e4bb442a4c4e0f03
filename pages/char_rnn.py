"""Char-RNN: what does it know after a letter? Recorded networks continue a prime, character by character."""

from __future__ import annotations

import streamlit as st

from core.data import DataMissing
from core.runs import RunError
from pages._char_rnn import library, live, notice, picture, settings, tabs
from pages._shared import heading, share, stage, training

with st.container(gap="xsmall"):
    corner = heading.draw("Char-RNN", "What does it know after a letter?", ("rnn_a_", "rnn_b_"))
    live.wanted()
    networks = library.networks()
    if not networks:
        st.info("No recorded network is here yet: `python -m core record char_rnn` makes the five that belong here.")
        st.stop()
    with st.container(key="controls", gap="xsmall"):
        chosen, bar = settings.controls(networks)
    bar.markdown(notice.told(chosen) or notice.differs(chosen))
    going = live.training_run()
    live.buttons(bar, going)
    place, frames = stage.place("char_rnn"), []
    if going is None:
        with place:
            try:
                with st.spinner("Writing…"):
                    frames = picture.takes(chosen)
                picture.draw(chosen, frames)
            except (DataMissing, RunError) as error:  # weights are damaged, or a network is gone: the message says it
                st.info(str(error))
    with corner:
        share.popover(live.commands(chosen), notice.COMMANDS)
    st.markdown(f"**What to notice.** {notice.notice(chosen) if going is None else notice.TRAINING}")
    st.caption(notice.caption(chosen, frames))

tabs.draw(chosen, frames, quick=going is None)

if going is not None:
    with training.following(place):
        live.follow(going, place)
