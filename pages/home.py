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

st.title("Deep Learning Demo Explorer")
st.write("Train small networks, change one thing, and see the two results side by side.")

with st.grid("auto", min_column_width=320), st.container(border=True):
    st.subheader("Classifier")
    st.write("Does the optimizer matter, or the learning rate?")
    for label, setting in CLASSIFIER.items():
        link = {**setting, PRESET: "1"}
        st.page_link("classifier.py", label=label, icon=":material/arrow_forward:", query_params=link)
