"""Randomness: one explicit generator a purpose, all derived from the seed of a run.

Two runs with the same seed share their initial weights and their batch order even when one of them draws more numbers
for something else, because each purpose has a stream of its own. The global state of torch and numpy is left alone.
"""

from __future__ import annotations

import hashlib
import math

import torch
from torch import nn


def generator(seed: int, purpose: str) -> torch.Generator:
    """A CPU generator for one purpose of a run, such as ``"weights"``, ``"batches"``; same arguments, same numbers."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def initialise(model: nn.Module, rng: torch.Generator) -> None:
    """Give every linear, convolution, embedding and recurrent layer PyTorch's default initial weights, from ``rng``.

    Of linear and convolution layers these are U(±1/√fan_in) for weights and biases: Kaiming's uniform with a = √5 (He
    et al. 2015), as in ``nn.Linear.reset_parameters``, which itself can only draw from the global generator; of
    recurrent layers U(±1/√hidden units), of embeddings N(0, 1).
    """
    for layer in model.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            nn.init.uniform_(layer.weight, -bound, bound, generator=rng)
            if layer.bias is not None:
                nn.init.uniform_(layer.bias, -bound, bound, generator=rng)
        elif isinstance(layer, nn.Embedding):
            nn.init.normal_(layer.weight, generator=rng)
        elif isinstance(layer, nn.RNNBase):
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -1 / math.sqrt(layer.hidden_size), 1 / math.sqrt(layer.hidden_size), rng)
