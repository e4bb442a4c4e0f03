"""What is measured on a char-RNN: surprise along a text, the loss on held-out text, the headline figures of a run.

Letters for shapes: T time, N batch, L layers, H hidden units.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from core.char_rnn import recurrent
from core.char_rnn.model import CharRNN
from core.data.corpus import Corpus
from core.data.vocabulary import encode

LAST = 100  # iterations whose mean loss is the training loss of a run
STRETCH = 1000  # characters that are read in one go, from the state 0
LARGEST = 40_000_000  # layers × hidden units × sequences × characters to work on at once: 1.5 GB of memory


def surprise(model: CharRNN, codes: Tensor) -> tuple[Tensor, list[Tensor]]:
    """What the network makes of characters (T + 1, N), int64, read from the state 0.

    Returns:
        −ln p (nats) of each but the first, (T, N), and the states of each layer after each but the last, (T, N, H).
    """
    states = recurrent.states(model.cell, codes[:-1], model.embedding.weight, list(model.rnn.parameters()))
    return recurrent.surprise(states[-1], codes[1:], model.linear.weight, model.linear.bias), states


def evaluate(model: CharRNN, text: Corpus) -> float:
    """The mean −ln p (nats) of the held-out characters: each but the first of all counts once.

    They are read in stretches of about 1,000, side by side, each from the state 0 as in training.
    """
    codes, total = stretches(text.heldout)
    at_once = max(1, LARGEST // (model.rnn.num_layers * model.rnn.hidden_size * len(codes)))
    parts = codes.to(model.linear.weight.device).split(at_once, 1)
    found = torch.cat([surprise(model, part)[0] for part in parts], 1)  # (T, N)
    return found.double().t().flatten()[:total].mean().item()


def stretches(text: str) -> tuple[Tensor, int]:
    """A text cut into N stretches of equal length T, each with the first character of the next: (T + 1, N), int64.

    Returns also how many of the T·N characters that are predicted are there; the others fill up the last stretch.
    """
    codes = torch.from_numpy(encode(text)).long()
    total = len(codes) - 1
    n = math.ceil(total / STRETCH)
    t = math.ceil(total / n)
    filled = torch.cat([codes, codes.new_zeros(n * t - total)])
    return filled.unfold(0, t + 1, t).t().contiguous(), total


def measure(model: CharRNN, text: Corpus) -> dict[str, float]:
    """The headline figures that the weights decide: held-out loss (nats a character) and perplexity."""
    loss = evaluate(model, text)
    return {"heldout_loss": loss, "heldout_perplexity": math.exp(loss)}


def summary(history: list[dict]) -> dict[str, float]:
    """The headline figures that the history decides: the mean loss of the last 100 iterations, and its perplexity."""
    total, count, end = 0.0, 0, history[-1]["step"]
    for before, record in zip(reversed(history[:-1]), reversed(history[1:]), strict=True):
        if record["step"] <= end - LAST:
            break
        iterations = record["step"] - before["step"]
        total, count = total + record["loss"] * iterations, count + iterations
    return {"train_loss": total / count, "train_perplexity": math.exp(total / count)}
