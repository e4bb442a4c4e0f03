"""The course's generator and discriminator, two linear layers each, and their gradients written out by hand.

With matrices this small, autograd and the optimizer's bookkeeping cost as much time as the arithmetic. A ``Pass`` does
the arithmetic alone, into memory that it keeps; the tests hold it against autograd.

Letters for shapes: N images, Z latent dimensions, P = 784 pixels of an image in a row, F = 128 hidden features.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from core.layers import joined

SIDE, PIXELS, HIDDEN = 28, 784, 128
OUTPUTS = ("sigmoid", "tanh")  # G's last function, and so the range of the pixels that D sees: [0, 1] or [−1, 1]


class TwoLayers(nn.Module):
    """(N, inputs) → linear → ReLU → linear → (N, outputs)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.first, self.second = nn.Linear(inputs, HIDDEN), nn.Linear(HIDDEN, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(F.relu(self.first(x)))

    def initialise(self, rng: torch.Generator) -> None:
        """The course's initial weights: normal with the variance 2 / inputs (He et al. 2015), biases 0.

        The second layer is drawn first, so that generators with z of another dimension share it.
        """
        for layer in (self.second, self.first):
            nn.init.normal_(layer.weight, std=math.sqrt(2 / layer.in_features), generator=rng)
            nn.init.zeros_(layer.bias)


class Generator(TwoLayers):
    """z (N, Z) → images (N, 1, 28, 28) in [0, 1], whatever the range that D sees. ``config``: as in core.gan."""

    def __init__(self, config: Any):
        super().__init__(config.z_dim, PIXELS)
        self.config, self.output = config, config.output

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = super().forward(z)  # (N, P)
        return torch.sigmoid(x if self.output == "sigmoid" else 2 * x).view(-1, 1, SIDE, SIDE)  # (tanh x + 1) / 2


class Discriminator(TwoLayers):
    """Images (N, 1, 28, 28) in [0, 1] → scores (N,), before any sigmoid."""

    def __init__(self, config: Any):
        super().__init__(PIXELS, 1)
        self.output = config.output

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(to_range(images.flatten(1), self.output))[:, 0]


def to_range(x: torch.Tensor, output: str) -> torch.Tensor:
    """Pixels in [0, 1] as the discriminator sees them: in [0, 1] or in [−1, 1]."""
    return x if output == "sigmoid" else 2 * x - 1


def squash_(x: torch.Tensor, output: str) -> torch.Tensor:
    """The generator's last function, in place. tanh is 2σ(2x) − 1: torch's own is six times slower."""
    return x.sigmoid_() if output == "sigmoid" else x.mul_(2).sigmoid_().mul_(2).sub_(1)


def unsquash_(grad: torch.Tensor, x: torch.Tensor, output: str) -> torch.Tensor:
    """The gradient by the pixels x made the gradient by what was squashed, in place."""
    backward = torch.ops.aten.sigmoid_backward if output == "sigmoid" else torch.ops.aten.tanh_backward
    return backward(grad, x, grad_input=grad)


class Pass:
    """Forward and backward pass of two layers for up to ``rows`` inputs; becomes the owner of the network's weights.

    All tensors are views without autograd; ``flat`` and ``grad`` hold all weights, and all gradients, in a row.
    """

    def __init__(self, network: TwoLayers, rows: int):
        joint = joined(network)
        self.flat, self.grad = joint.detach(), joint.grad
        layers = (network.first, network.second)
        self.w1, self.b1, self.w2, self.b2 = (p.detach() for layer in layers for p in (layer.weight, layer.bias))
        self.d_w1, self.d_b1, self.d_w2, self.d_b2 = (p.grad for layer in layers for p in (layer.weight, layer.bias))
        self.w1_t, self.w2_t = self.w1.t(), self.w2.t()
        self._hidden, self._d_hidden = (self.flat.new_empty(rows, HIDDEN) for _ in range(2))

    def forward(self, x: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        """x (N, inputs) → ``out`` (N, outputs)."""
        self.x, self.hidden = x, self._hidden[: len(x)]
        torch.addmm(self.b1, x, self.w1_t, out=self.hidden).relu_()
        return torch.addmm(self.b2, self.hidden, self.w2_t, out=out)

    def backward(self, grad: torch.Tensor) -> None:
        """The gradients of the weights, in place of the old ones; ``grad`` (n, outputs) is of the last n inputs."""
        n = len(grad)
        torch.mm(grad.t(), self.hidden[-n:], out=self.d_w2)
        torch.sum(grad, 0, out=self.d_b2)
        d_hidden = self._back_to_hidden(grad)
        torch.mm(d_hidden.t(), self.x[-n:], out=self.d_w1)
        torch.sum(d_hidden, 0, out=self.d_b1)

    def backward_to_input(self, grad: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        """The gradient by the last inputs, (n, inputs), instead of those of the weights."""
        return torch.mm(self._back_to_hidden(grad), self.w1, out=out)

    def _back_to_hidden(self, grad: torch.Tensor) -> torch.Tensor:
        n = len(grad)
        d_hidden = torch.mm(grad, self.w2, out=self._d_hidden[:n])
        return torch.ops.aten.threshold_backward(d_hidden, self.hidden[-n:], 0, grad_input=d_hidden)

    def add_penalty(self, x: torch.Tensor, weight: float) -> torch.Tensor:
        """Add the gradients of ``weight`` · mean (‖∇D(x)‖ − 1)², for one output, and return that value, a scalar.

        ∇D(x) = W1ᵀ(m ∘ w2), where m is 1 for the hidden features that are on. So it is linear in either layer's
        weights, and the second derivative that the penalty needs is a product more (Gulrajani et al. 2017).
        """
        on = (torch.addmm(self.b1, x, self.w1_t) > 0).to(x.dtype)  # (N, F)
        paths = on * self.w2
        slopes = paths @ self.w1  # ∇D(x), (N, P)
        norms = slopes.norm(dim=1, keepdim=True).clamp_(min=1e-12)
        d_slopes = slopes * ((norms - 1) / norms * (2 * weight / len(x)))
        self.d_w1.addmm_(paths.t(), d_slopes)
        self.d_w2.add_((on * (d_slopes @ self.w1_t)).sum(0))
        return weight * (norms - 1).square().mean()


class Adam:
    """Adam (Kingma & Ba 2015) with PyTorch's defaults, for one flat tensor: the kernel of ``torch.optim.Adam``.

    It is called without the optimizer's bookkeeping, which takes longer than the step itself.
    """

    def __init__(self, flat: torch.Tensor, grad: torch.Tensor, lr: float):
        self._lists = ([flat], [grad], [torch.zeros_like(flat)], [torch.zeros_like(flat)], [])
        self._count, self._lr = torch.zeros((), device=flat.device), lr

    def step(self) -> None:
        """Take a step along the gradient as it is now."""
        self._count.add_(1)
        torch._fused_adam_(*self._lists, [self._count], lr=self._lr, beta1=0.9, beta2=0.999, weight_decay=0.0,
                           eps=1e-8, amsgrad=False, maximize=False)  # fmt: skip
