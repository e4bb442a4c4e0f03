"""A recorded training as a Python script of its own: plain PyTorch, at most 60 lines, nothing of this project imported.

The script begins with the same weights and takes the same batches and noise, so it prints the losses of the run's
history, up to rounding (what a run calls "step", "loss", "test_loss" … is called so there). Speed is not its concern:
where core/ has layers and passes of its own, it has those of PyTorch.

A topic's module here has ``title(config)``, a line of words, and ``body(config)``, everything below the docstring.
"""

from __future__ import annotations

import importlib
import textwrap
from typing import Any

from core import data, runs
from core.runs import Run, recorder

LINES, WIDTH = 60, 100  # at most
TRAIN = "python -m core train "


def of(made: Run | Any) -> str:
    """The script of a run, or of the run that a config stands for, recorded or not.

    Raises:
        RunError: the run has settings that this version does not know, or what it builds on is not there.
        ValueError: its images are in a folder that was never read.
    """
    config = recorder.config_of(made) if isinstance(made, Run) else made
    topic = type(config).__module__.rpartition(".")[2]
    run = made if isinstance(made, Run) else runs.of(topic, config)
    kind = importlib.import_module(f"core.script.{topic}")
    name = runs.run_name(topic, config) if run is None else run.name
    told = f"{kind.title(config)}: the losses of the run {name}, up to rounding{_but(config, run)}."
    docstring = textwrap.fill(f'"""{told}', WIDTH - 3, break_on_hyphens=False) + '"""'
    return f"{docstring}\n\n{kind.body(config)}\n"


def config_of(command: str) -> Any | None:
    """The config of what a command line of ``runs.command`` trains; None if it trains nothing.

    Raises:
        ValueError: it does not fit its topic.
    """
    if not command.startswith(TRAIN):
        return None
    topic, *words = command.removeprefix(TRAIN).split()
    config = recorder.lab(topic).Config
    names = [option.removeprefix("--").replace("-", "_") for option in words[::2]]
    return config(**{name: type(getattr(config, name))(word) for name, word in zip(names, words[1::2], strict=True)})


def _but(config: Any, run: Run | None) -> str:
    """How the images of the run differ from those that its script takes, in words; "" if they don't."""
    name = getattr(config, "dataset", "mnist")
    known = data.available(name) and data.decoded(name)
    note = run.data.get("note") if run and run.data else data.load(name).note if known else ""
    return f"; that one saw {note}" if note else ""
