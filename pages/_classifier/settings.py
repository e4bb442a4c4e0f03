"""The settings of A and B, all of them in the link."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core import data
from core.classifier import Config
from pages._shared import seeds

OPTIMIZERS = {
    "SGD": "sgd",
    "SGD + momentum": "sgd_momentum",
    "Adam": "adam",
    "AdamW": "adamw",
    "RMSprop": "rmsprop",
}
ACTIVATIONS = {"LeakyReLU": "leaky_relu", "ReLU": "relu", "Tanh": "tanh"}
RATES = (0.0001, 0.0003, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 1.0, 10.0)
BATCHES = (16, 32, 64, 128, 256)
IMAGES = (0, 1_000, 5_000, 10_000, 20_000, 40_000)
FIRST = {"A": "SGD", "B": "Adam"}  # what the page opens with

HELP = {
    "optimizer": "How the weights are moved along the gradient. SGD + momentum uses momentum 0.9.",
    "lr": "Learning rate: how far each step moves the weights. The course used 0.001 for every optimizer.",
    "activation": "The function after each convolution.",
    "seed": "Decides the initial weights and the order of the batches. A and B always share it.",
    "epochs": "How often the network sees every training image.",
    "images": "Fewer images train faster. They are drawn by the seed.",
    "batch": "Images a step. The course used 64.",
}


@dataclass(frozen=True)
class Settings:
    """What the viewer has chosen."""

    a: Config
    b: Config
    bands: bool  # draw the spread over recorded seeds
    overlay: list[str]  # names of runs to lay over the picture

    @property
    def sides(self) -> dict[str, Config]:
        return {"A": self.a, "B": self.b}


def label(choices: dict[str, str], value: str) -> str:
    """The words for a value of a config."""
    return next(words for words, known in choices.items() if known == value)


def controls(overlays: dict[str, str]) -> tuple[Settings, st.delta_generator.DeltaGenerator]:
    """Draw the controls; returns what they say, and the place beside them for buttons.

    ``overlays``: names of recorded runs → words for them.
    """
    cards = st.container(horizontal=True, gap="small")
    own = {side: _side(side, cards) for side in "AB"}
    row = st.container(horizontal=True, vertical_alignment="bottom")
    common, extras = _common(row, overlays)
    bar = row.container(horizontal=True, horizontal_alignment="right")
    return Settings(*(Config(**own[side], **common) for side in "AB"), **extras), bar


def _side(side: str, cards: st.delta_generator.DeltaGenerator) -> dict:
    """The controls of one side, in one row in a card of its colour."""
    key = f"clf_{side.lower()}"
    with cards.container(border=True, horizontal=True, key=f"{key}_card"):
        names = list(OPTIMIZERS)
        chosen = st.selectbox(
            f"{side} · optimizer",
            names,
            names.index(FIRST[side]),
            help=HELP["optimizer"],
            key=f"{key}_optimizer",
            bind="query-params",
        )
        rate = st.selectbox(
            "Learning rate",
            RATES,
            RATES.index(0.001),
            format_func=lambda value: f"{value:g}",
            help=HELP["lr"],
            key=f"{key}_lr",
            bind="query-params",
        )
        act = st.selectbox(
            "Activation", list(ACTIVATIONS), help=HELP["activation"], key=f"{key}_activation", bind="query-params"
        )
    return {"optimizer": OPTIMIZERS[chosen], "lr": rate, "activation": ACTIVATIONS[act]}


def _common(row: st.delta_generator.DeltaGenerator, overlays: dict[str, str]) -> tuple[dict, dict]:
    """The controls that A and B share, in one row; rare ones in a popover."""
    names = data.names()
    dataset = row.selectbox(
        "Data",
        names,
        names.index("cifar10"),
        format_func=data.title,
        key="clf_data",
        bind="query-params",
        width=220,
    )
    seed = row.number_input("Seed", 0, 999_999, 42, help=HELP["seed"], key="clf_seed", bind="query-params", width=150)
    epochs = row.number_input("Epochs", 1, 50, 5, help=HELP["epochs"], key="clf_epochs", bind="query-params", width=140)
    with row.popover("More", icon=":material/tune:"):
        rare, shown = _rare(overlays)
    return {"dataset": dataset, "seed": int(seed), "epochs": int(epochs), **rare}, shown


def _rare(overlays: dict[str, str]) -> tuple[dict, dict]:
    """What is seldom changed: settings of the training, and what else is drawn."""
    images = st.selectbox(
        "Training images",
        IMAGES,
        format_func=lambda n: str(n) if n else "all",
        help=HELP["images"],
        key="clf_images",
        bind="query-params",
    )
    batch = st.selectbox(
        "Batch size", BATCHES, BATCHES.index(64), help=HELP["batch"], key="clf_batch", bind="query-params"
    )
    bands = seeds.switch()
    overlay = st.multiselect(
        "Lay other runs over",
        list(overlays),
        format_func=overlays.get,
        max_selections=6,
        key="clf_overlay",
        bind="query-params",
        placeholder="Choose recorded runs",
    )
    return {"images": images, "batch_size": batch}, {"bands": bands, "overlay": overlay}


def differences(settings: Settings) -> tuple[list[str], list[str]]:
    """What differs between A and B, and what is the same, in words."""
    a, b = settings.a, settings.b
    rows = {
        "optimizer": (label(OPTIMIZERS, a.optimizer), label(OPTIMIZERS, b.optimizer)),
        "learning rate": (f"{a.lr:g}", f"{b.lr:g}"),
        "activation": (label(ACTIVATIONS, a.activation), label(ACTIVATIONS, b.activation)),
    }
    differ = [name for name, (left, right) in rows.items() if left != right]
    same = [f"{name} {left}" for name, (left, right) in rows.items() if left == right]
    return differ, [*same, f"seed {a.seed}", "initial weights", "batch order"]


def short(config: Config, other: Config) -> str:
    """A name for a side that says what sets it apart: its optimizer, and whatever else differs from the other side."""
    parts = [label(OPTIMIZERS, config.optimizer)]
    if config.activation != other.activation:
        parts.append(label(ACTIVATIONS, config.activation))
    if config.lr != other.lr:
        parts.append(f"{config.lr:g}")
    return " ".join(parts)
