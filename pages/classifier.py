"""Classifier: does the optimizer matter, or the learning rate? Two trainings side by side, replayed or live."""

from __future__ import annotations

import streamlit as st

from core import data, runs
from pages._classifier import download, live, notice, picture, recordings, settings, tabs
from pages._shared import share

heading, corner = st.columns([3, 1], vertical_alignment="bottom")
heading.title("Classifier", anchor=False)
st.caption("Does the optimizer matter, or the learning rate? One network, trained twice, with one thing changed.")

chosen = settings.controls(recordings.overlays())
pair = {side: live.find(name) for side, name in live.shown(chosen).items()}
active = any(run and run.active for run in pair.values())
with corner:
    share.popover({side: runs.command("classifier", config) for side, config in chosen.sides.items()})

words_row, buttons = st.columns([7, 4], vertical_alignment="center")
words_row.markdown(notice.differs(chosen))
with buttons:
    live.buttons(chosen, pair)
if not data.available(chosen.a.dataset):
    download.offer(chosen.a.dataset)

stage = st.empty()
epoch = 0
if any(recordings.tested(run) for run in pair.values()) and not active:
    with stage.container():
        epoch = picture.replay(chosen, pair)
elif not active:
    stage.container(height=picture.HEIGHT, border=True, vertical_alignment="center").markdown(
        "Nothing is recorded with these settings yet. **Train live** to record them, or go back to the course's settings."
    )

for sentence in [*notice.troubles(pair), live.compare_again(chosen)]:
    if sentence:
        st.warning(sentence, icon=":material/info:")
st.markdown(f"**What to notice.** {notice.notice(chosen)}")
st.caption(notice.caption(chosen, pair))

tabs.draw(chosen, pair, epoch)

if active:
    live.follow(chosen, live.shown(chosen), stage)
if download.is_going(chosen.a.dataset):
    download.follow(chosen.a.dataset)
