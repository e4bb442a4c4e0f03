"""Char-RNN: a recurrent network that learns to write, one character at a time.

Exercise 4 of the course trained a 2-layer GRU with 100 hidden units on Shakespeare: batches of 100 random chunks of 200
characters, Adam at learning rate 0.01, 2,000 iterations. These are the defaults of ``Config``. The network is that of
Elman 1990 with the cells of cells.py, the way to train and sample it that of Graves 2013 (arXiv:1308.0850).
Beside this file: the network (model, over recurrent and cells), what it expects and writes (expectation, writing), what
can be measured (measures), units that mean something (units), and what is copied from the text (copied).

Letters for shapes: T time, N batch, V vocabulary, H hidden units.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from core import runs
from core.char_rnn.measures import LARGEST, evaluate, measure, summary  # noqa: F401 (the recorder asks here for them)
from core.char_rnn.model import CharRNN
from core.char_rnn.recurrent import MODULES, Memory
from core.char_rnn.writing import Network, write
from core.data import corpus
from core.data.corpus import Corpus
from core.data.vocabulary import encode
from core.layers import joined
from core.rng import generator, initialise
from core.runs import Diverged, Run, RunError, recorder
from core.settings import check_bounds, check_names, check_types

SAMPLE = "txt"
SAMPLE_PRIME, SAMPLE_LENGTH, SAMPLE_TEMPERATURE = "The", 300, 0.8  # what is written down while training
RECORD_EVERY = 40_000  # characters between two progress records
SAMPLE_EVERY, HELDOUT_EVERY = 50, 100  # iterations
SNAPSHOTS = (0, *(m * 10**e for e in (2, 3, 4) for m in (1, 2, 5)))  # iterations whose weights are kept, with the last


@dataclass(frozen=True)
class Config:
    """The settings of one training; everything that decides its numbers.

    Raises:
        ValueError: a value is unknown or out of range (the message lists what is possible).
    """

    text: str = "shakespeare"  # a name that core.data.corpus.load knows
    cell: str = "gru"  # a key of core.char_rnn.recurrent.MODULES
    layers: int = 2  # recurrent layers
    hidden: int = 100  # units of each layer, and numbers of the embedding of a character
    iterations: int = 2000  # optimizer steps
    chunk: int = 200  # characters that the gradient reaches back over
    batch: int = 100  # chunks an iteration, drawn at random from the training text
    lr: float = 0.01  # learning rate of Adam
    clip: float = 0.0  # longest gradient (Euclidean norm over all weights); longer ones are scaled down; 0 = no limit
    seed: int = 42  # decides the initial weights and the chunks

    def __post_init__(self):
        check_types(self)
        if not corpus.NAME.fullmatch(self.text):
            raise ValueError(f"text {self.text!r} is no name: choose {corpus.SHAKESPEARE}, or a kept text (own-…).")
        check_names(self, cell=MODULES)
        check_bounds(
            self, layers=(1, 4), hidden=(1, 512), iterations=(1, 100_000), chunk=(1, 2000), batch=(1, 1000),
            lr=(1e-7, 10.0), clip=(0.0, 1e6), seed=(0, 2**31 - 1),
        )  # fmt: skip
        if self.layers * self.hidden * self.batch * self.chunk > LARGEST:
            raise ValueError(f"layers × hidden × batch × chunk must be at most {LARGEST:,}: choose a smaller batch.")


@dataclass(frozen=True)
class Progress:
    """What was measured after ``step`` iterations. Losses are nats a character."""

    step: int  # iterations so far
    steps: int  # iterations in all
    loss: float | None = None  # mean over the batches since the last record
    gradient: float | None = None  # mean norm of the gradient over the same batches, before any clipping
    heldout_loss: float | None = None  # over the held-out text: see ``evaluate``
    sample: bytes | None = field(default=None, repr=False)  # what the network writes now

    @property
    def snapshot(self) -> bool:
        """Whether the weights of this step are worth keeping."""
        return self.step in SNAPSHOTS or self.step == self.steps


def load_data(config: Config) -> Corpus:
    """The text of the config; raises as ``core.data.corpus.load`` does."""
    return corpus.load(config.text)


def build(config: Config, text: Corpus | None = None) -> CharRNN:
    """The untrained network; with the same seed and sizes, all cells share embedding and last layer."""
    model = CharRNN(config.cell, config.layers, config.hidden)
    for name, part in model.named_children():
        initialise(part, generator(config.seed, f"weights/{name}"))
    return model


def restore(config: Config, weights: dict[str, Tensor]) -> CharRNN:
    """The network of a recorded run, frozen.

    Raises:
        RunError: the weights are not those of such a network.
    """
    model = CharRNN(config.cell, config.layers, config.hidden)
    try:
        model.load_state_dict(weights)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise RunError(f"The weights are not those of a char-RNN with these settings: {error}") from error
    return model.requires_grad_(False)


def network(run: Run, step: int | None = None) -> Network:
    """The network of a recorded run after ``step`` iterations (default: the last kept), ready to read and write.

    The same network is made once and shared: nothing in it changes.

    Raises:
        RunError: the run is of another topic, or has no such weights, or they are damaged.
    """
    if run.topic != "char_rnn":
        raise RunError(f"{run.name} does not write: it is a run of {run.topic}, not of char_rnn.")
    if step is None:
        step = max(run.steps, default=None)
    return _network(run.path, step, run.checksums.get(f"snapshots/{step}.safetensors"))


@lru_cache(maxsize=32)
def _network(path: Path, step: int | None, checksum: str | None) -> Network:
    """The checksum is an argument so that weights that were recorded anew are read anew."""
    run = runs.read(path)
    return Network(restore(recorder.config_of(run), run.weights(step)))


def train(config: Config, text: Corpus, model: CharRNN | None = None) -> Iterator[Progress]:
    """Train and measure: a record at the start, every 40,000 characters, and where something more is due.

    That is a sample every 50 iterations, the held-out loss every 100, and all of it at the end.

    Args:
        model: the network to train in place, on its own device; by default a new one from the config. Whoever wants
            the weights passes a network and keeps a hand on it.

    Raises:
        Diverged: the loss is no longer a finite number; everything yielded so far stays true.
        ValueError: the text has not even one chunk to train on.
    """
    model = build(config) if model is None else model
    weights, memory = joined(model), Memory()
    optimizer = torch.optim.Adam([weights], config.lr, fused=True)
    codes, order = training_codes(config, text), generator(config.seed, "batches")
    record_every = max(1, RECORD_EVERY // (config.batch * config.chunk))

    yield Progress(0, config.iterations, **_look(model, text, 0, config.iterations))
    losses, gradients = [], []  # since the last record
    for step in range(1, config.iterations + 1):
        loss = model.loss(chunks(codes, config, order).to(weights.device), memory)
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        losses.append(loss.item())
        gradients.append(weights.grad.norm().item())
        if not math.isfinite(losses[-1] + gradients[-1]):
            raise Diverged(step)
        if 0 < config.clip < gradients[-1]:
            weights.grad.mul_(config.clip / gradients[-1])
        optimizer.step()
        found = _look(model, text, step, config.iterations)
        if step % record_every == 0 or found:
            yield Progress(step, config.iterations, _mean(losses), _mean(gradients), **found)
            losses, gradients = [], []


def training_codes(config: Config, text: Corpus) -> Tensor:
    """The training text as places in the vocabulary, int64; ValueError if it is shorter than a chunk and its target."""
    if len(text.train) <= config.chunk:
        raise ValueError(
            f"The text has {len(text.train):,} characters to train on, too few for chunks of {config.chunk:,}: "
            "choose shorter chunks."
        )
    return torch.from_numpy(encode(text.train)).long()


def chunks(codes: Tensor, config: Config, order: torch.Generator) -> Tensor:
    """The next batch: random chunks of the text, each with the character after it, (chunk + 1, N)."""
    starts = torch.randint(len(codes) - config.chunk, (config.batch,), generator=order)
    return codes[torch.arange(config.chunk + 1)[:, None] + starts]


def _look(model: CharRNN, text: Corpus, step: int, steps: int) -> dict:
    """What is due after this step besides the loss."""
    found = {}
    if step % HELDOUT_EVERY == 0 or step == steps:
        found["heldout_loss"] = evaluate(model, text)
        if not math.isfinite(found["heldout_loss"]):  # the last step did it
            raise Diverged(step)
    if step % SAMPLE_EVERY == 0 or step == steps:
        if not all(weight.isfinite().all() for weight in model.parameters()):
            raise Diverged(step)
        written = write(Network(model), SAMPLE_PRIME, SAMPLE_LENGTH, SAMPLE_TEMPERATURE)
        found["sample"] = (SAMPLE_PRIME + "".join(step.char for step in written)).encode("ascii")
    return found


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)
