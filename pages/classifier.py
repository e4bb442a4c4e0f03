"""Classifier: does the optimizer matter, or the learning rate? Two trainings side by side, replayed or live."""

from __future__ import annotations

import streamlit as st

from core import runs
from pages._classifier import download, live, notice, picture, recordings, settings, tabs
from pages._shared import heading, share, stage, training

with st.container(gap="xsmall"):
    corner = heading.draw("Classifier", "Does the optimizer matter, or the learning rate?", ("clf_a_", "clf_b_"))
    with st.container(key="controls", gap="xsmall"):
        chosen, bar = settings.controls(recordings.overlays())
    pair = {side: recordings.find(name) for side, name in live.shown(chosen).items()}
    with bar:
        live.buttons(chosen, pair)
    st.markdown(notice.differs(chosen, pair))
    progress = st.empty()

    active = any(run and run.active for run in pair.values())
    place, epoch = stage.place("classifier"), recordings.last_epoch(pair)
    if not active:
        with place:
            epoch = picture.draw(chosen, pair, epoch)
    with corner:
        share.popover({side: runs.command("classifier", config) for side, config in chosen.sides.items()})
    for sentence in live.compared_again(chosen):
        st.info(sentence, icon=":material/info:")
    st.markdown(f"**What to notice.** {notice.notice(chosen)}")
    st.caption(notice.caption(chosen, pair))

tabs.draw(chosen, pair, epoch, quick=not active)

if active:
    with training.following(place):
        live.follow(chosen, live.shown(chosen), place)
if download.is_going(chosen.a.dataset):
    download.follow(chosen.a.dataset, progress)
