"""The main script: what every page shares, then the page that was asked for."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages._shared import lesson, links
from pages._shared.components import hand
from pages._shared.server import serving
from pages._shared.server.turns import TURNS

# A file and not a Material icon: those make the browser fetch a picture from the internet.
st.set_page_config(page_icon=str(Path(__file__).parent / "_shared" / "favicon.png"), layout="wide")

st.html(Path(__file__).parent / "_shared" / "style.css")

page = st.navigation(
    [
        st.Page("home.py", title="Overview", icon=":material/home:", default=True),
        st.Page("classifier.py", title="Classifier", icon=":material/monitoring:"),
        st.Page("embeddings.py", title="Embeddings", icon=":material/scatter_plot:"),
        st.Page("char_rnn.py", title="Char-RNN", icon=":material/edit_note:"),
        st.Page("gan.py", title="GAN", icon=":material/casino:"),
        st.Page("adversarial.py", title="Adversarial", icon=":material/blur_on:"),
    ],
    position="top",  # beside a menu at the side, the picture of a page has too little room on a projector
)
if page.url_path:  # the overview needs nothing that takes long to load
    serving.load()
with TURNS.turn():
    links.refuse_infinite()
    links.forget_for_preset()
    lesson.arrive()
    lesson.draw()
    hand.draw(lesson.here())
    page.run()
serving.DRAWN.set()
