"""The numbers in the README's table of pages are those of the recorded runs."""

from __future__ import annotations

import pytest

from core import bench, char_rnn, embeddings, runs
from core.adversarial.attackable import run_of
from core.reported import FIGURES, ours

TEXT = bench.README.read_text("utf-8")
MEANS = {figure.name: found.mean for figure in FIGURES if (found := ours(figure))}


def layout(name: str) -> float:
    return runs.of("embeddings", embeddings.Config(name, epoch=embeddings.EVERY)).metrics["knn_plane"]


def loss(name: str) -> float:
    return runs.of("char_rnn", char_rnn.Config()).metrics[name]


SAID = {
    "Classifier": [f"{MEANS['adam']:.2%}", f"SGD {MEANS['sgd']:.2%}"],
    "Embeddings": [f"{layout('tsne'):.1%}", f"PCA map {layout('pca'):.1%}"],
    "Char-RNN": [f"loss of {loss('heldout_loss'):.3f}", f"perplexity of {loss('heldout_perplexity'):.2f}"],
    "GAN": [f"{MEANS['course-100000']:.2f};", f"BCE {MEANS['bce-100000']:.2f}"],
    "Adversarial": [
        f"{run_of('robust').metrics['pgd_accuracy']:.1%}",
        f"{run_of('small').metrics['pgd_accuracy']:.1%}",
    ],
}


@pytest.mark.parametrize("page", SAID)
def test_a_page_is_told_with_its_numbers(page: str) -> None:
    (row,) = (line for line in TEXT.splitlines() if line.startswith(f"| {page} | `"))
    for number in SAID[page]:
        assert number.replace("%", " %") in row


def test_every_picture_is_there() -> None:
    pictures = [line.partition("](")[2].rstrip(")") for line in TEXT.splitlines() if line.startswith("![")]
    assert len(pictures) == 7
    assert all((bench.README.parent / picture).is_file() for picture in pictures)
