"""What is laid out, and how: the settings of A and B, all of them in the link."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.embeddings import EVERY, LAST, Config
from pages._embeddings.library import Network

FIRST = "Small CNN, seed 42"  # the network that the page opens with
EPOCHS, UNFOLDING = "Epochs", "Unfolding"  # what the slider scrubs through
UNFOLD, LAY_OUT = "Unfold", "Lay out live"  # the button that works out what is not recorded
PERPLEXITIES = (2, 5, 10, 20, 30, 50, 100, 200, 500, 1000)
POINTS = (500, 1000, 2000, 5000, 10_000)
LAYERS = {"Features": "features", "Logits": "logits", "Convolution 3": "conv3", "Convolution 2": "conv2",
          "Convolution 1": "conv1"}  # fmt: skip

HELP = {
    "network": "Whose features are laid out. Recorded classifiers can be looked at as well as the small CNN.",
    "epoch": "A stays at this epoch: 0 is the untrained network. The slider below moves B.",
    "layer": "Where the network is tapped. Features: the numbers that the last linear layer sees.",
    "perplexity": "t-SNE only: about how many neighbours each image should have.",
    "seed": "t-SNE only: decides where the points begin.",
    "scrub": "The slider goes through the epochs of B's training, or through the iterations of t-SNE.",
    "pixels": "The same images without any network: what the pixels alone give.",
    "points": "The first n test images.",
    "iterations": "Gradient steps of t-SNE.",
    "exaggeration": "In the early steps, t-SNE multiplies all attraction by this.",
    "init": "Where t-SNE begins: the PCA map, shrunk, or at random.",
}


@dataclass(frozen=True)
class Settings:
    """What the viewer has chosen."""

    networks: dict[str, Network]  # of "A" and of "B"
    epoch: int  # of A
    layer: str
    points: int
    seed: int
    pixels: bool  # a third column with the raw pixels
    unfold: bool  # scrub through iterations of t-SNE, not through epochs
    tsne: dict[str, float | int | str]  # perplexity, iterations, exaggeration, init

    @property
    def action(self) -> str:
        """The button for what is not laid out yet."""
        return UNFOLD if self.unfold else LAY_OUT

    def config(self, side: str, method: str) -> Config:
        """The layout of a side, "A", "B" or "" (raw pixels), by "pca" or "tsne".

        Raises:
            ValueError: these settings don't go together; the message says why.
        """
        network = self.networks[side or "B"]
        common = {"layout": method, "dataset": network.dataset, "points": self.points, "seed": self.seed, **self.tsne}
        if not side:
            return Config(**common, layer="pixels")
        epoch = EVERY
        if self.unfold and method == "tsne":
            epoch = min(self.epoch, network.epochs) if side == "A" else LAST
        return Config(**common, network=network.name, layer=self.layer, epoch=epoch)

    def configs(self) -> dict[tuple[str, str], Config]:
        """Every layout on the page, by side and method."""
        sides = ["A", "B", *([""] if self.pixels else [])]
        return {(side, method): self.config(side, method) for side in sides for method in ("pca", "tsne")}


def controls(networks: dict[str, Network]) -> tuple[Settings, st.delta_generator.DeltaGenerator]:
    """Draw the controls; returns what they say, and the place below them for a line of text and for buttons."""
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    titles = list(networks)
    with row.container(key="emb_a_card", width=320), st.container(horizontal=True, gap="xsmall"):
        a = networks[_network("A", titles)]
        epochs = list(range(a.epochs + 1))
        epoch = st.selectbox("A · epoch", epochs, format_func=_epoch, help=HELP["epoch"], key="emb_a_epoch",
                             bind="query-params", width=120)  # fmt: skip
    alike = [title for title in titles if networks[title].dataset == a.dataset]
    with row.container(key="emb_b_card", width=210):
        b = networks[_network("B", alike)]
    layer = row.selectbox("Layer", list(LAYERS), help=HELP["layer"], key="emb_layer", bind="query-params", width=130)
    perplexity = row.selectbox("Perplexity", PERPLEXITIES, PERPLEXITIES.index(30), help=HELP["perplexity"],
                               key="emb_perplexity", bind="query-params", width=110)  # fmt: skip
    seed = row.number_input("t-SNE seed", 0, 999_999, 42, help=HELP["seed"], key="emb_seed", bind="query-params",
                            width=130)  # fmt: skip
    with row.popover("More", icon=":material/tune:"):
        points, rare = _rare()
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small")
    scrub = bar.segmented_control("Scrub through", [EPOCHS, UNFOLDING], default=EPOCHS, required=True, key="emb_scrub",
                                  bind="query-params", help=HELP["scrub"], label_visibility="collapsed")  # fmt: skip
    pixels = bar.toggle("Raw pixels", help=HELP["pixels"], key="emb_pixels", bind="query-params")
    return Settings({"A": a, "B": b}, epoch, LAYERS[layer], points, int(seed), pixels, scrub == UNFOLDING,
                    {"perplexity": float(perplexity), **rare}), bar  # fmt: skip


def _network(side: str, titles: list[str]) -> str:
    first = titles.index(FIRST) if FIRST in titles else 0
    return st.selectbox(f"{side} · network", titles, first, help=HELP["network"], key=f"emb_{side.lower()}_network",
                        bind="query-params", width=190)  # fmt: skip


def _epoch(epoch: int) -> str:
    return str(epoch) if epoch else "0, untrained"


def _rare() -> tuple[int, dict[str, float | int | str]]:
    """What is seldom changed."""
    points = st.selectbox("Points", POINTS, POINTS.index(2000), help=HELP["points"], key="emb_points",
                          bind="query-params")  # fmt: skip
    iterations = st.number_input("Iterations of t-SNE", 50, 5000, 750, 50, help=HELP["iterations"],
                                 key="emb_iterations", bind="query-params")  # fmt: skip
    exaggeration = st.number_input("Early exaggeration", 1.0, 50.0, 12.0, 1.0, help=HELP["exaggeration"],
                                   key="emb_exaggeration", bind="query-params")  # fmt: skip
    init = st.selectbox("Start", ["PCA", "Random"], help=HELP["init"], key="emb_init", bind="query-params")
    return points, {"iterations": int(iterations), "exaggeration": float(exaggeration), "init": init.lower()}
