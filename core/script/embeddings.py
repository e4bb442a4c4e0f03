"""The scripts of the embeddings: a network's training is here, layouts are in core.script.layouts."""

from __future__ import annotations

from core.embeddings import Config
from core.script import layouts
from core.script.classifier import training
from core.script.parts import network

FALLING = 'optimizer.param_groups[0]["lr"] = LR * (1 - step / (EPOCHS * len(batches)))'


def title(config: Config) -> str:
    """What is trained, in words."""
    return "A network for digits" if config.layout == "none" else layouts.title(config)


def body(config: Config) -> str:
    """Everything below the docstring; raises RunError as core.script.layouts does."""
    if config.layout != "none":
        return layouts.body(config)
    return training(config, network("digits", config.dataset), "torch.optim.Adam(model.parameters(), LR)", FALLING)
