"""The char-RNN's benchmark: characters a second of our training and of the course's loop, and of our sampling."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from core import runs
from core.bench import grouped

ROUNDS = 9  # of each, alternating; the median counts
ITERATIONS = 2  # of training in a round
WRITTEN = 2000  # characters in a round
CHUNK, BATCH, HIDDEN, LAYERS = 200, 100, 100, 2
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def measure(scratch: Path) -> dict:
    """Characters a second of training a GRU 2×100 on chunks of 200 in batches of 100, and of writing; one thread each.

    The course's loop is in plain PyTorch: of each of the 200 characters an embedding, one step of nn.GRU, a linear
    layer, a cross-entropy. Both draw their chunks and read off their loss.
    """
    command = [sys.executable, "-m", "core.bench.char_rnn"]  # of its own, so that neither inherits settings from us
    environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
    answer = subprocess.run(command, cwd=runs.ROOT, env=environment, check=True, capture_output=True, text=True)
    return {"topic": "char_rnn", "unit": "characters/s", **json.loads(answer.stdout)}


def row(report: dict) -> tuple[str, str, str]:
    """What it is compared with, ours, and the ratio, as the README's table has them."""
    return (f"a plain loop over the characters, {grouped(report['reference_chars_s'])} characters/s",
            f"{grouped(report['ours_chars_s'])} characters/s; writes {grouped(report['sample_chars_s'])}",
            f"{report['ratio']}")  # fmt: skip


def alternating() -> dict[str, float]:
    """The figures, measured in this process."""
    import torch

    torch.set_num_threads(1)
    reference, ours = course_loop(), our_training()
    trained = ITERATIONS * CHUNK * BATCH
    rounds = [(_rate(reference, trained), _rate(ours, trained), _rate(our_writing(), WRITTEN)) for _ in range(ROUNDS)]
    slow, fast, writing = (statistics.median(rates) for rates in zip(*rounds[1:], strict=True))  # the first warms up
    return {"reference_chars_s": round(slow), "ours_chars_s": round(fast), "ratio": round(fast / slow, 2),
            "sample_chars_s": round(writing)}  # fmt: skip


def _rate(work: Callable[[], object], characters: int) -> float:
    started = time.perf_counter()
    work()
    return characters / (time.perf_counter() - started)


def course_loop() -> Callable[[], None]:
    """A round of the course's training, written plainly."""
    import random

    import torch
    from torch import nn

    from core.data import corpus, vocabulary

    codes = torch.from_numpy(vocabulary.encode(corpus.load(corpus.SHAKESPEARE).train)).long()
    size = len(vocabulary.VOCABULARY)
    embedding, gru, linear = nn.Embedding(size, HIDDEN), nn.GRU(HIDDEN, HIDDEN, LAYERS), nn.Linear(HIDDEN, size)
    model = nn.ModuleList([embedding, gru, linear])
    optimizer, criterion, pick = torch.optim.Adam(model.parameters(), lr=0.01), nn.CrossEntropyLoss(), random.Random(0)

    def iteration() -> float:
        chunks = torch.empty(BATCH, CHUNK + 1, dtype=torch.long)
        for row in chunks:
            start = pick.randrange(len(codes) - CHUNK)
            row.copy_(codes[start : start + CHUNK + 1])
        state, loss = torch.zeros(LAYERS, BATCH, HIDDEN), 0
        model.zero_grad()
        for t in range(CHUNK):
            output, state = gru(embedding(chunks[:, t]).view(1, BATCH, -1), state)
            loss += criterion(linear(output.view(BATCH, -1)), chunks[:, t + 1])
        loss.backward()
        optimizer.step()
        return loss.item() / CHUNK

    return lambda: [iteration() for _ in range(ITERATIONS)]


def our_training() -> Callable[[], object]:
    """A round of ours: the training as a run does it, from record to record."""
    from core import char_rnn

    config = char_rnn.Config(layers=LAYERS, hidden=HIDDEN, chunk=CHUNK, batch=BATCH)
    records = char_rnn.train(config, char_rnn.load_data(config))
    next(records)  # what is measured before the first step
    return lambda: next(records)


def our_writing() -> Callable[[], object]:
    """A round of writing by an untrained network, which takes no less time than a trained one."""
    from core import char_rnn
    from core.char_rnn import writing

    network = writing.Network(char_rnn.build(char_rnn.Config(layers=LAYERS, hidden=HIDDEN)))
    steps: Iterator[writing.Step] = writing.write(network, "The", WRITTEN)
    return lambda: [step.probability for step in steps]


if __name__ == "__main__":
    print(json.dumps(alternating()))
