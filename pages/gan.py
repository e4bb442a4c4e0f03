"""GAN: same loss, different digits? Two objectives in lock-step from the same start, replayed or live."""

from __future__ import annotations

import streamlit as st

from core import runs
from core.data import DataMissing
from core.runs import RunError
from pages._gan import live, notice, picture, sample, settings, tabs
from pages._shared import heading, share, stage, training

with st.container(gap="xsmall"):
    corner = heading.draw("GAN", "Same loss, different digits?", ("gan_a", "gan_b"))
    with st.container(key="controls", gap="xsmall"):
        read, bar = settings.controls()
    try:
        chosen = read()
    except ValueError as error:  # a value is out of range: the message says which
        st.warning(str(error), icon=":material/info:")
        st.stop()
    found = live.runs_of(chosen)
    going = live.active(found)
    bar.markdown(notice.differs(chosen))
    live.buttons(bar, chosen, found)
    place, iteration = stage.place("gan"), 0
    if not going:
        with place:
            try:
                iteration = picture.draw(chosen, found)
            except (DataMissing, RunError) as error:  # a file is damaged or gone: the message says it
                st.info(str(error))
    with corner:
        share.popover({side: runs.command("gan", config) for side, config in chosen.sides.items()})
    for sentence in live.compared_again(chosen):
        st.info(sentence, icon=":material/info:")
    for sentence in notice.ended(found):
        st.warning(sentence, icon=":material/info:")
    st.markdown(f"**What to notice.** {notice.TRAINING if going else notice.notice(chosen, found)}")
    st.caption(notice.caption(chosen, found))

if not going:
    sample.open_clicked(chosen, found)
tabs.draw(chosen, found, iteration, quick=not going)

if going:
    with training.following(place):
        live.follow(chosen, place)
