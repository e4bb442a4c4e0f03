"""The script of the training of a network that is to be attacked; some are attacked while they learn."""

from __future__ import annotations

from core.adversarial import RECORD_EVERY, TEST_EVERY, WARM_UP, Config
from core.adversarial.course_cnn import BIAS, DROPPED, STD
from core.script.parts import GENERATOR, UNIFORM, fill, images, network, number, root

LARGE = """
nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),  # (N, 32, 14, 14)
nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),  # (N, 64, 7, 7)
nn.Flatten(), nn.Linear(3136, 1024), nn.ReLU(), nn.Linear(1024, 10),
""".strip()

TRUNCATED = f"""
rng = generator("weights")
for layer in model:  # the course's initial weights: normal, cut off at two deviations
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        nn.init.trunc_normal_(layer.weight, std={STD}, a={-2 * STD}, b={2 * STD}, generator=rng)
        nn.init.constant_(layer.bias, {BIAS})
""".strip()

TRAINING = """
import hashlib

import torch
from torch import nn
from torchvision import datasets$transforms

$root
STEPS, BATCH, LR, SEED = $settings


$generator


$measure
$data
$moments
model = nn.Sequential(
    $layers
)
$initial

optimizer = torch.optim.Adam(model.parameters(), LR)
$streams
$at_first
for step in range(1, STEPS + 1):
    batches = batches or [*torch.randperm(len(x), generator=order).split(BATCH)]
    batch = batches.pop(0)
    images, labels = x[batch], y[batch]
    $attack
    $loss
    $rate
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses += [loss.item()] * len(batch)
    if step % $record_every == 0 or step % $test_every == 0 or step == STEPS:
        print(f"step {step}  loss {sum(losses) / len(losses):.6f}")
        losses = []
    $now_and_then
$at_last
"""

# Test figures: a function, or where there is no room for one, statements at the end
MEASURE = """
logits = torch.cat([model(part) for part in x_test.split(500)])
loss, right = nn.functional.cross_entropy(logits, y_test), logits.argmax(1) == y_test
print(f"step {step}  test_loss {loss:.6f}  test_accuracy {right.float().mean():.6f}")
"""
MEASURING = """
@torch.no_grad()
def measure(step):
    $measure
"""
NOW_AND_THEN = """
if step % $test_every == 0 or step == STEPS:
    measure(step)
"""
AT_LAST = """
with torch.no_grad():
    $measure
"""

LOSS = "loss = nn.functional.cross_entropy(model($seen), labels)"
LOSS_DROPPING = f"""
hidden = model[:-1]($seen)
kept = torch.rand(hidden.shape, generator=dropout) >= {DROPPED}  # dropout, from its own generator
loss = nn.functional.cross_entropy(model[-1](hidden * kept / (1 - {DROPPED})), labels)
"""

# PGD (Madry et al. 2018), untargeted, with the steps of core.adversarial.attacks
ATTACK = """
epsilon = $epsilon * min(1, (step - 1) / ($warm_up * STEPS))  # grows at first
moved = (images + epsilon * (2 * torch.rand(images.shape, generator=starts) - 1)).clamp(0, 1)
for _ in range($steps):  # PGD: steps up the loss, within epsilon of the images
    loss = nn.functional.cross_entropy(model(moved.requires_grad_()), labels, reduction="sum")
    moved = moved.detach() + 2.5 / $steps * epsilon * torch.autograd.grad(loss, moved)[0].sign()
    moved = (images + (moved - images).clamp(-epsilon, epsilon)).clamp(0, 1)
"""


def title(config: Config) -> str:
    """What is trained, in words."""
    kind = "A small network for digits" if config.model == "small" else "The course's network for digits"
    return f"{kind}, trained under attack" if config.epsilon else kind


def body(config: Config) -> str:
    """Everything below the docstring."""
    small, attacked = config.model == "small", config.epsilon > 0
    settings = (config.iterations, config.batch_size, config.lr, config.seed)
    test_every = max(1, TEST_EVERY // config.batch_size)
    measure, seen = MEASURE.strip(), "moved" if attacked else "images"
    return fill(
        TRAINING,
        transforms=", transforms" if small else "", root=root("mnist"),
        settings=", ".join(map(number, settings)), generator=GENERATOR,
        measure="" if attacked else fill(MEASURING, measure=measure) + "\n\n", data=images("mnist"),
        moments="std, mean = torch.std_mean(x, (0, 2, 3), correction=0)" if small else "",
        layers=network("digits", "mnist") if small else LARGE,
        initial=UNIFORM if small or config.initial == "pytorch" else TRUNCATED,
        streams=_streams(dropout=not small, attacked=attacked), at_first="" if attacked else "measure(0)",
        attack=_attack(config) if attacked else "",
        loss=fill(LOSS if small else LOSS_DROPPING, seen=seen),
        rate='optimizer.param_groups[0]["lr"] = LR * (1 - (step - 1) / STEPS)' if config.rate == "falling" else "",
        record_every=max(1, RECORD_EVERY // config.batch_size), test_every=test_every,
        now_and_then="" if attacked else fill(NOW_AND_THEN, test_every=test_every),
        at_last=fill(AT_LAST, measure=measure) if attacked else "",
    )  # fmt: skip


def _streams(dropout: bool, attacked: bool) -> str:
    """The statements that make the random generators, and what the loop begins with."""
    if dropout and attacked:
        return 'order, dropout, starts = map(generator, ("batches", "dropout", "attack"))\nbatches, losses = [], []'
    more = {"dropout": "dropout"} if dropout else {"starts": "attack"} if attacked else {}
    streams = {"order": "batches", **more}
    drawn = ", ".join(f'generator("{stream}")' for stream in streams.values())
    return f"{', '.join(streams)}, batches, losses = {drawn}, [], []"


def _attack(config: Config) -> str:
    """Statements that move the images of a batch."""
    return fill(ATTACK, epsilon=number(config.epsilon), warm_up=WARM_UP, steps=config.attack_steps)
