"""The script of a classifier's training; that of the network for digits (core.script.embeddings) is the same but for
the network and its learning rate."""

from __future__ import annotations

from core.classifier import ACTIVATIONS, RECORD_EVERY, Config
from core.script.parts import GENERATOR, UNIFORM, fill, images, network, number, root

OPTIMIZERS = {  # those of core.classifier
    "sgd": "torch.optim.SGD(model.parameters(), LR)",
    "sgd_momentum": "torch.optim.SGD(model.parameters(), LR, momentum=0.9)",
    "adam": "torch.optim.Adam(model.parameters(), LR)",
    "adamw": "torch.optim.AdamW(model.parameters(), LR)",
    "rmsprop": "torch.optim.RMSprop(model.parameters(), LR)",
}

TRAINING = """
import hashlib

import torch
from torch import nn
from torchvision import datasets, transforms

$root
EPOCHS, BATCH, LR, SEED = $epochs, $batch, $lr, $seed


$generator


@torch.no_grad()
def measure(step):
    logits = model(x_test)
    loss, right = nn.functional.cross_entropy(logits, y_test), logits.argmax(1) == y_test
    print(f"step {step}  test_loss {loss:.6f}  test_accuracy {right.float().mean():.6f}")


$images
std, mean = torch.std_mean(x, (0, 2, 3), correction=0)
$chosen
model = nn.Sequential(
    $layers
)
$uniform

optimizer = $optimizer
order, losses, step = generator("batches"), [], 0
measure(step)
for epoch in range(EPOCHS):
    batches = $shuffled.split(BATCH)
    for i, batch in enumerate(batches, 1):
        loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
        $rate
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step, losses = step + 1, losses + [loss.item()] * len(batch)
        if i % $every == 0 or i == len(batches):
            print(f"step {step}  loss {sum(losses) / len(losses):.6f}")
            losses = []
    measure(step)
"""


def title(config: Config) -> str:
    return f"CNN-basic, trained with {config.optimizer}"


def body(config: Config) -> str:
    layers = network("cnn-basic", config.dataset, ACTIVATIONS[config.activation].__name__)
    return training(config, layers, OPTIMIZERS[config.optimizer])


def training(config: Config, layers: str, optimizer: str, rate: str = "") -> str:
    """The script of a training that goes through the images epoch by epoch.

    Args:
        config: with dataset, epochs, batch_size, lr, seed and images, as in core.classifier.
        layers: those of the network.
        optimizer: an expression.
        rate: a statement that sets the learning rate of a step.
    """
    some, chosen = f'torch.randperm(len(x), generator=generator("images"))[:{number(config.images)}]', ""
    shuffled = "torch.randperm(len(x), generator=order)"
    if config.images:
        chosen, shuffled = f"some = {some}", "some[torch.randperm(len(some), generator=order)]"
    return fill(
        TRAINING,
        epochs=config.epochs, batch=config.batch_size, lr=number(config.lr), seed=number(config.seed),
        every=max(1, RECORD_EVERY // config.batch_size),
        root=root(config.dataset), generator=GENERATOR, images=images(config.dataset), chosen=chosen, shuffled=shuffled,
        layers=layers, uniform=UNIFORM, optimizer=optimizer, rate=rate,
    )  # fmt: skip
