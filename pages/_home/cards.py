"""Five cards, one a page: a small living picture, the question that the page answers, and links into settings."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages._home import overview
from pages._home.presets import SGD_ADAM, TANH
from pages._home.reel import reel
from pages._shared.links import PRESET

NARROWEST = 200  # pixels of a card: five stand side by side on a projector, one on a phone

# page → title, question, and what a link says → the settings that it leads to
CARDS = {
    "classifier": (
        "Classifier", "Does the optimizer matter, or the learning rate?",
        {
            "SGD | Adam, both at 0.001": SGD_ADAM,
            "LeakyReLU | Tanh": TANH,
            "A fair fight: SGD at 0.1": {**SGD_ADAM, "clf_a_lr": "0.1"},
        },
    ),
    "embeddings": (
        "Embeddings", "What has the network learned, and what does the picture invent?",
        {
            "Untrained | trained": {"emb_scrub": "Epochs"},
            "Raw pixels beside them": {"emb_pixels": "true"},
            "Seeds, and pure noise": {"emb_tab": "Is this real?"},
        },
    ),
    "char_rnn": (
        "Char-RNN", "What does it know after a letter?",
        {
            "2\u202f000 iterations | only 100": {"rnn_prime": "What is"},
            "GRU | LSTM, gibberish": {
                "rnn_prime": "X087hNYB BHN BYFVuhsdbs", "rnn_b_network": "LSTM, seed 42", "rnn_b_step": "2000",
            },
            "Three temperatures": {"rnn_mode": "Three temperatures"},
        },
    ),
    "gan": (
        "GAN", "Same loss, different digits?",
        {
            "BCE | the course's notebook": {"gan_curve": "Variety"},
            "Same or different? A bet": {"gan_b": "Raw log", "gan_part": "1 · The bet"},
            "The leak and the naive log": {"gan_a": "Leak alone", "gan_part": "4 · All four"},
        },
    ),
    "adversarial": (
        "Adversarial", "How little must change?",
        {
            "A 4 becomes a 9": {"adv_tab": "Other images"},
            "Against a robust network": {"adv_b": "A's picture", "adv_b_network": "Robust small CNN"},
            "Noise becomes a 9?": {
                "adv_start": "Noise", "adv_b": "The same attack", "adv_b_network": "Default initial weights",
                "adv_tab": "The course's runs",
            },
        },
    ),
}  # fmt: skip


def draw(moving: bool) -> None:
    """Draw the cards; their pictures move, or stand still at their ends."""
    st.html(Path(__file__).parent / "home.css")
    with st.grid(len(CARDS), min_column_width=NARROWEST, gap="small"):
        for page, (title, question, links) in CARDS.items():
            with st.container(border=True, key=f"home_card_{page}", gap="xsmall", height="stretch"):
                _picture(page, moving)
                st.subheader(title, anchor=False)
                st.caption(question)
                for label, setting in links.items():
                    st.page_link(f"{page}.py", label=label, query_params={**setting, PRESET: "1"})


def _picture(page: str, moving: bool) -> None:
    picture = overview.shown()["pictures"][page]
    if picture is None:
        st.caption("Its recorded runs cannot be read.")
    else:
        reel(picture, key=f"home_reel_{page}", moving=moving)
