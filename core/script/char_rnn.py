"""The script of a char-RNN's training."""

from __future__ import annotations

from core.char_rnn import HELDOUT_EVERY, RECORD_EVERY, SAMPLE_EVERY, Config
from core.char_rnn.measures import STRETCH
from core.char_rnn.recurrent import MODULES
from core.data import corpus
from core.script.parts import GENERATOR, fill, number

TRAINING = """
import hashlib
import string

import torch
from torch import nn

TEXT = "$file"  # from $folder of the project
LAYERS, HIDDEN, CHUNK, BATCH = $layers, $hidden, $chunk, $batch
ITERATIONS, LR, SEED = $iterations, $lr, $seed


$generator


class CharRNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(100, HIDDEN)
        self.rnn = nn.$cell(HIDDEN, HIDDEN, LAYERS, batch_first=True)
        self.linear = nn.Linear(HIDDEN, 100)

    def forward(self, x):  # (N, T + 1) -> cross-entropy (nats) of all characters but the first
        logits = self.linear(self.rnn(self.embedding(x[:, :-1]))[0])  # (N, T, 100)
        return nn.functional.cross_entropy(logits.transpose(1, 2), x[:, 1:], reduction="none")


with open(TEXT) as file:
    codes = torch.tensor([string.printable.index(char) for char in file.read()])
train, heldout = codes.tensor_split([len(codes) - max(2, round($share * len(codes)))])
total = len(heldout) - 1  # held-out text is read in n stretches of t characters side by side
t = -(-total // (n := -(-total // $stretch)))  # both rounded up
heldout = nn.functional.pad(heldout, (0, n * t - total)).unfold(0, t + 1, t)  # (n, t + 1)
model, bound = CharRNN(), HIDDEN**-0.5  # with PyTorch's default initial weights, drawn anew:
nn.init.normal_(model.embedding.weight, generator=generator("weights/embedding"))
for name in ("rnn", "linear"):
    rng = generator(f"weights/{name}")
    for weights in getattr(model, name).parameters():
        nn.init.uniform_(weights, -bound, bound, generator=rng)
optimizer = torch.optim.Adam(model.parameters(), LR)
order, found = generator("batches"), []
for step in range(ITERATIONS + 1):
    if step > 0:
        starts = torch.randint(len(train) - CHUNK, (BATCH, 1), generator=order)
        loss = model(train[starts + torch.arange(CHUNK + 1)]).mean()
        optimizer.zero_grad()
        loss.backward()
        $clip
        optimizer.step()
        found.append(loss.item())
    if found and ($recorded or step == ITERATIONS):
        print(f"step {step}  loss {sum(found) / len(found):.6f}")
        found = []
    if step % $heldout_every == 0 or step == ITERATIONS:
        with torch.no_grad():
            print(f"step {step}  heldout_loss {model(heldout).flatten()[:total].mean():.6f}")
"""


def title(config: Config) -> str:
    """What is trained, in words."""
    return f"A char-RNN ({config.cell.upper()})"


def body(config: Config) -> str:
    """Everything below the docstring."""
    every = max(1, RECORD_EVERY // (config.batch * config.chunk))
    embedded = config.text == corpus.SHAKESPEARE
    return fill(
        TRAINING,
        file=f"{config.text}.txt", folder="core/embedded" if embedded else "data/texts",
        layers=config.layers, hidden=config.hidden, chunk=config.chunk, batch=config.batch,
        iterations=number(config.iterations), lr=number(config.lr), seed=number(config.seed),
        generator=GENERATOR, cell=MODULES[config.cell].__name__, share=corpus.HELDOUT, stretch=STRETCH,
        clip=f"nn.utils.clip_grad_norm_(model.parameters(), {number(config.clip)})" if config.clip else "",
        recorded=f"step % {every} == 0" + (f" or step % {SAMPLE_EVERY} == 0" if SAMPLE_EVERY % every else ""),
        heldout_every=HELDOUT_EVERY,
    )  # fmt: skip
