"""Adversarial: how little must change? An image is turned, step by step, into what a network takes for another."""

from __future__ import annotations

import streamlit as st

from core.data import DataMissing
from core.runs import RunError
from pages._adversarial import library, notice, picture, settings, tabs
from pages._shared import heading, share, stage

with st.container(gap="xsmall"):
    corner = heading.draw("Adversarial", "How little must change?")
    networks = library.networks()
    if not networks:
        st.info("No recorded network is here yet: `python -m core record adversarial` makes the five that belong here.")
        st.stop()
    with st.container(key="controls", gap="xsmall"):
        chosen, bar = settings.controls(networks)
    bar.markdown(notice.differs(chosen))
    found, place = {}, None
    with stage.place("adversarial"):
        try:
            with st.spinner("Attacking…"):
                found = picture.walked(chosen)
            place = picture.draw(chosen, found)
        except (DataMissing, RunError, ValueError) as error:  # weights are damaged or a number is out of range
            st.info(str(error))
    for sentence in notice.told(chosen, networks, found, place):
        st.info(sentence, icon=":material/info:")
    if place is not None:
        with corner:
            share.popover(notice.commands(chosen, place), notice.COMMANDS)
        st.markdown(f"**What to notice.** {notice.notice(chosen, found, place)}")
    st.caption(notice.caption(chosen))

if place is not None:
    tabs.draw(chosen, found, place)
