"""The script of a GAN's training: the losses as formulas, their gradients by autograd."""

from __future__ import annotations

import textwrap

from core.gan import Config
from core.gan.latent import FIXED
from core.gan.match import RECORD_EVERY
from core.gan.networks import HIDDEN, PIXELS
from core.gan.objectives import OBJECTIVES
from core.gan.sheets import SHOWN
from core.script.parts import GENERATOR, fill, number

# −log D and −log(1 − D) of a score, from the score itself and naively
ONE, ZERO = "softplus(-{0})", "softplus({0})"
NAIVE_ONE, NAIVE_ZERO = "minus_log(sigmoid({0}))", "minus_log(1 - sigmoid({0}))"

# Objective → D's loss of a real image and of a generated one, and G's loss of a generated one, all by D's score
LOSSES = {
    "bce": (ONE, ZERO, ONE),
    "raw-log": (NAIVE_ONE, NAIVE_ZERO, NAIVE_ONE),
    "minimax": (ONE, ZERO, "-softplus({0})"),
    "course": (NAIVE_ONE, NAIVE_ZERO, f"{NAIVE_ONE} + {NAIVE_ZERO}"),
    "leak": (ONE, ZERO, f"{ONE} + {ZERO}"),
    "least-squares": ("({0} - 1) ** 2 / 2", "{0}**2 / 2", "({0} - 1) ** 2 / 2"),
    "hinge": ("relu(1 - {0})", "relu(1 + {0})", "-{0}"),
    "wgan-gp": ("-{0}", "{0}", "-{0}"),
}

DRAWN = {  # how z is drawn: comment, expression
    "normal": ("every number N(0, 1)", "torch.randn(n, Z, generator=rng)"),
    "uniform": ("every number in [-1, 1]", "torch.empty(n, Z).uniform_(-1, 1, generator=rng)"),
    "sphere": ("each of length √Z", "nn.functional.normalize(torch.randn(n, Z, generator=rng)) * Z**0.5"),
}

TRAINING = """
import hashlib

import torch
import torchvision
from torch import nn$sigmoid
$functions

ROOT = "data"  # folder of the images, downloaded there the first time
STEPS, BATCH, Z, LR_D, LR_G, SEED = $settings


$generator


def draw(n, rng):  # z (n, Z), $how
    return $draw


def network(inputs, outputs, rng):
    first, last = nn.Linear(inputs, $hidden), nn.Linear($hidden, outputs)
    for layer in (last, first):
        nn.init.normal_(layer.weight, std=(2 / layer.in_features) ** 0.5, generator=rng)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(first, nn.ReLU(), last)


$minus_log
x = torchvision.datasets.MNIST(ROOT, download=True).data.flatten(1) / 255$scaled
g = network(Z, $pixels, generator("weights of G")).append(nn.$squash())
d = network($pixels, 1, generator("weights of D"))  # its scores, before any sigmoid
adam_g, adam_d = torch.optim.Adam(g.parameters(), LR_G), torch.optim.Adam(d.parameters(), LR_D)
$streams
shown, full, batches, found = draw($fixed, generator("fixed z"))[:$shown], len(x) // BATCH, [], []
for step in range(1, STEPS + 1):
    $d_step
    fake = d(g($z_of_g))$leak
    loss_g = $loss_g
    adam_g.zero_grad()
    loss_g.backward()
    adam_g.step()
    found.append((loss_d.item(), loss_g.item()))
    if step % $record_every == 0 or step == STEPS:
        print("step {}  d_loss {:.6g}  g_loss {:.6g}".format(step, *torch.tensor(found).mean(0)))
        found = []
    if step % $sheet_every == 0 or step == STEPS:
        torchvision.utils.save_image($pictures.view(-1, 1, 28, 28), f"sheet_{step}.png")
"""

D_STEP = """
batches = batches or [*torch.randperm(len(x), generator=order).split(BATCH)[:full]]
$scores
$loss_real
loss_d = $loss_d
adam_d.zero_grad()
loss_d.backward()
adam_d.step()
"""

SCORES = "real, fake = d(x[batches.pop(0)]), d(g(z).detach())"

PENALISED = """
real_x, fake_x = x[batches.pop(0)], g(z).detach()
real, fake = d(real_x), d(fake_x)
between = fake_x.lerp(real_x, torch.rand(BATCH, 1, generator=rng_p)).requires_grad_()
(slopes,) = torch.autograd.grad(d(between).sum(), between, create_graph=True)
penalty = $weight * (slopes.norm(dim=1) - 1).square().mean()
"""

MINUS_LOG = """
def minus_log(p):  # naive: p can be rounded to 0, which then counts as 100 and has no gradient
    return -torch.log(p.clamp(min=3.8e-44))
"""


def title(config: Config) -> str:
    """What is trained, in words."""
    return f"A GAN ({OBJECTIVES[config.objective].title})"


def body(config: Config) -> str:
    """Everything below the docstring."""
    objective, (how, draw), tanh = OBJECTIVES[config.objective], DRAWN[config.z], config.output == "tanh"
    used = "".join(LOSSES[config.objective])
    functions = ", ".join(name for name in ("relu", "softplus") if name in used)
    settings = (config.iterations, config.batch_size, config.z_dim, config.lr_d, config.lr_g, config.seed)
    return fill(
        TRAINING,
        sigmoid=", sigmoid" if objective.naive else "",
        functions=f"from torch.nn.functional import {functions}" if functions else "",
        settings=", ".join(map(number, settings)), generator=GENERATOR, how=how, draw=draw,
        minus_log=f"{fill(MINUS_LOG)}\n\n" if objective.naive else "",
        hidden=HIDDEN, pixels=PIXELS, scaled=" * 2 - 1" if tanh else "", squash="Tanh" if tanh else "Sigmoid",
        streams=_streams(config), fixed=FIXED, shown=SHOWN, d_step=_d_step(config),
        z_of_g="z" if objective.shared_z else "draw(BATCH, rng_g)",
        leak="  # D's z again, and D's loss of it: the leak" if objective.shared_z else "",
        loss_g=_mean(LOSSES[config.objective][2].format("fake")),
        record_every=RECORD_EVERY, sheet_every=config.sheet_every,
        pictures="(g(shown) / 2 + 0.5)" if tanh else "g(shown)",
    )  # fmt: skip


def _streams(config: Config) -> str:
    """The statement that makes the random generators of the batches, of z and of the penalty."""
    objective = OBJECTIVES[config.objective]
    streams = {"order": "batches", "rng_d": "z of D", **({} if objective.shared_z else {"rng_g": "z of G"})}
    if objective.penalty:
        streams["rng_p"] = "penalty"
    drawn = ", ".join(f'"{stream}"' for stream in streams.values())
    return f"{', '.join(streams)} = map(generator, ({drawn}))"


def _d_step(config: Config) -> str:
    """The steps of D in an iteration."""
    objective, (one, zero, _) = OBJECTIVES[config.objective], LOSSES[config.objective]
    real, fake, loss_real = one.format("real"), zero.format("fake"), ""
    if config.smoothing:
        share = number(config.smoothing)
        loss_real = f"loss_real = (1 - {share}) * {real} + {share} * {zero.format('real')}"
        real = "loss_real"
    scores = fill(PENALISED, weight=f"{objective.penalty:g}") if objective.penalty else SCORES
    loss_d = _mean(f"{real} + {fake}") + (" + penalty" if objective.penalty else "")
    step = fill(D_STEP, scores=scores, loss_real=loss_real, loss_d=loss_d)
    if config.d_steps == 1:
        return f"z = draw(BATCH, rng_d)\n{step}"
    return f"for z in draw({config.d_steps} * BATCH, rng_d).split(BATCH):\n{textwrap.indent(step, 4 * ' ')}"


def _mean(loss: str) -> str:
    return f"{loss}.mean()" if " " not in loss and not loss.startswith("-") else f"({loss}).mean()"
