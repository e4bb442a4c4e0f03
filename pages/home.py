"""Overview: what there is to try, each a link into a setting."""

from __future__ import annotations

import streamlit as st

from pages._shared.links import PRESET

COURSE = {"clf_data": "CIFAR-10", "clf_a_lr": "0.001", "clf_b_lr": "0.001"}
RELU = {"clf_a_activation": "LeakyReLU", "clf_b_activation": "LeakyReLU"}

CLASSIFIER = {
    "SGD | Adam, both at learning rate 0.001": {
        **COURSE, **RELU, "clf_a_optimizer": "SGD", "clf_b_optimizer": "Adam",
    },
    "Adam with LeakyReLU | Adam with Tanh": {
        **COURSE, **RELU, "clf_a_optimizer": "Adam", "clf_b_optimizer": "Adam", "clf_b_activation": "Tanh",
    },
    "A fair fight: SGD at 0.1 | Adam at 0.001": {
        **COURSE, **RELU, "clf_a_optimizer": "SGD", "clf_a_lr": "0.1", "clf_b_optimizer": "Adam",
    },
}  # fmt: skip

EMBEDDINGS = {
    "Untrained | trained, by PCA and by t-SNE": {"emb_scrub": "Epochs"},
    "With the raw pixels beside them": {"emb_pixels": "true"},
    "Is this real? Other seeds, and noise": {"emb_tab": "Is this real?"},
}
CHAR_RNN = {
    "After 2 000 iterations | after 100, the same draws": {"rnn_prime": "What is"},
    "GRU | LSTM, a prime of gibberish": {
        "rnn_prime": "X087hNYB BHN BYFVuhsdbs", "rnn_b_network": "LSTM, seed 42", "rnn_b_step": "2000",
    },
    "Three temperatures": {"rnn_mode": "Three temperatures"},
}  # fmt: skip
GAN = {
    "BCE | the course's notebook, 100 000 iterations": {"gan_curve": "Variety"},
    "Same or different? A bet, and its answer": {"gan_b": "Raw log", "gan_part": "1 · The bet"},
    "The leak and the naive log, told apart": {"gan_a": "Leak alone", "gan_part": "4 · All four"},
}
ADVERSARIAL = {
    "A 4 becomes a 9, and any other digit": {"adv_tab": "Other images"},
    "Does it fool a network trained against it?": {"adv_b": "A's picture", "adv_b_network": "Robust small CNN"},
    "Noise becomes a 9, or doesn't": {
        "adv_start": "Noise", "adv_b": "The same attack", "adv_b_network": "Default initial weights",
        "adv_tab": "The course's runs",
    },
}  # fmt: skip
CARDS = {
    "classifier": ("Classifier", "Does the optimizer matter, or the learning rate?", CLASSIFIER),
    "embeddings": ("Embeddings", "What has the network learned, and what does the picture invent?", EMBEDDINGS),
    "char_rnn": ("Char-RNN", "What does it know after a letter?", CHAR_RNN),
    "gan": ("GAN", "Same loss, different digits?", GAN),
    "adversarial": ("Adversarial", "How little must change?", ADVERSARIAL),
}

st.title("Deep Learning Demo Explorer")
st.write("Train small networks, change one thing, and see the two results side by side.")

with st.grid("auto", min_column_width=320):
    for page, (title, question, settings) in CARDS.items():
        with st.container(border=True):
            st.subheader(title)
            st.write(question)
            for label, setting in settings.items():
                link = {**setting, PRESET: "1"}
                st.page_link(f"{page}.py", label=label, icon=":material/arrow_forward:", query_params=link)
