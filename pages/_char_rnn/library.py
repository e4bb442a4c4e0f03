"""What the page reads: recorded networks that can write, and what they wrote; each worked out once for all viewers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from core import char_rnn, runs
from core.char_rnn import Config, copied, units, writing
from core.data import corpus
from core.runs import Run, RunError, recorder
from pages._char_rnn.takes import Schedule, Take, make

CELLS = {"gru": "GRU", "lstm": "LSTM", "rnn": "Plain RNN"}
SAID = {"lr": "lr {:g}", "clip": "clip {:g}", "iterations": "{} iterations"}


@dataclass(frozen=True)
class Recorded:
    """A recorded network, as the controls name it."""

    title: str
    name: str  # of its run
    steps: tuple[int, ...]  # iterations of which there are weights


def networks() -> dict[str, Recorded]:
    """Title → network: the shipped ones, then one's own that have weights."""
    found: dict[str, Recorded] = {}
    for recorded in (*_shipped(), *_own(str(runs.runs_dir()))):
        title = recorded.title if recorded.title not in found else f"{recorded.title}, {recorded.name[-8:]}"
        found[title] = dataclasses.replace(recorded, title=title)
    return found


@st.cache_resource(max_entries=1, show_spinner=False)
def _shipped() -> list[Recorded]:
    return _networks(runs.shipped_dir())


@st.cache_resource(ttl=3, max_entries=2, show_spinner=False)
def _own(root: str) -> list[Recorded]:
    return _networks(Path(root))


def _networks(root: Path) -> list[Recorded]:
    found = [entry for entry in runs.listing("char_rnn", root) if isinstance(entry, Run) and entry.steps]
    return [network for run in found if (network := _network(run))]


def _network(run: Run) -> Recorded | None:
    """What a run has left; where it ended before its time, that is a network of fewer iterations."""
    cut = not run.active and run.status != "done"
    try:
        named = title(recorder.config_of(run), run.steps[-1] if cut else None)
    except RunError:  # of another version
        return None
    return Recorded(named, run.name, tuple(run.steps))


def title(config: Config, iterations: int | None = None) -> str:
    """A network in a few words: its cell and seed, and what differs most from the course's settings.

    ``iterations``: how many it had, where that is not what was asked for.
    """
    usual = Config()
    values = vars(config) if iterations is None else {**vars(config), "iterations": iterations}
    sizes = f" {config.layers}×{config.hidden}" if (config.layers, config.hidden) != (2, 100) else ""
    other = [form.format(values[name]) for name, form in SAID.items() if values[name] != getattr(usual, name)]
    text = [] if config.text == usual.text else [f"text {config.text[4:8]}"]
    return ", ".join([f"{CELLS[config.cell]}{sizes}", f"seed {config.seed}", *other, *text])


def forget() -> None:
    """Look for one's own runs anew at the next call."""
    _own.clear()


def find(name: str) -> Run | None:
    """The run of that name as it is now, or None if there is none that can be read."""
    try:
        run = runs.find(name)
        run.history()
    except RunError:
        return None
    return run


def seeds(run: Run) -> list[Run]:
    """The finished runs with the settings of this one, whatever their seed, in the order of the seeds."""
    return _seeds(run.name, str(runs.runs_dir()), run)


@st.cache_resource(ttl=3, max_entries=32, show_spinner=False)
def _seeds(name: str, root: str, _run: Run) -> list[Run]:
    wanted = {**_run.config, "seed": None}
    known = (entry for entry in runs.listing("char_rnn") if isinstance(entry, Run) and entry.status == "done")
    found = {entry.config["seed"]: entry for entry in known if {**entry.config, "seed": None} == wanted}
    return [found[seed] for seed in sorted(found)]


def config_of(run: Run) -> Config:
    """The settings of a run; raises a RunError where this version does not know them."""
    return recorder.config_of(run)


def checksum(run: Run, step: int) -> str:
    """Changes when the weights do."""
    return run.checksums.get(f"snapshots/{step}.safetensors", "")


def written(
    recorded: Recorded, step: int, prime: str, schedule: Schedule, length: int, seed: int, top_k: int = 0
) -> Take:
    """What a network writes; raises a RunError where its weights are damaged or gone."""
    run = runs.find(recorded.name)
    return _written(run.name, step, checksum(run, step), prime, schedule, length, seed, top_k)


@st.cache_resource(max_entries=256, show_spinner=False)
def _written(
    name: str, step: int, checksum: str, prime: str, schedule: Schedule, length: int, seed: int, top_k: int
) -> Take:
    network = char_rnn.network(runs.find(name), step)
    return make(network, prime, schedule, length, seed, top_k)


@st.cache_resource(max_entries=8, show_spinner="Ranking the hidden units on held-out text…")
def rankings(name: str, step: int, checksum: str) -> dict[str, units.Ranking]:
    """The hidden units by how well they keep track of something in the held-out text that the network never saw."""
    run = runs.find(name)
    model = char_rnn.restore(recorder.config_of(run), run.weights(step))
    return units.rankings(model, corpus.load(run.config["text"]).heldout)


@st.cache_resource(max_entries=32, show_spinner=False)
def heldout_passage(corpus_name: str, feature: str) -> str:
    """Some lines of the held-out text in which a feature comes and goes; raises as ``corpus.load`` does."""
    return units.passage(corpus.load(corpus_name).heldout[: units.MOST], feature)


def activations(recorded: Recorded, step: int, text: str) -> np.ndarray:
    """The hidden units after each character of a text, float32 (T, L, H), in [−1, 1]."""
    return writing.read(char_rnn.network(runs.find(recorded.name), step), text).hidden


@dataclass(frozen=True)
class Copied:
    """How much of a text stands in the training text word by word."""

    passages: list[copied.Passage]  # the longest ones, the longest first
    longest: int  # characters
    usual: float  # the longest of a stretch of held-out text as long as this one: the median of some
    most: int  # the longest of all these


@st.cache_resource(max_entries=64, show_spinner=False)
def copy(corpus_name: str, text: str) -> Copied:
    """Look a text up in the training text; raises as ``corpus.load`` does."""
    index = copied.index(corpus_name)
    matches = index.matches(text)
    others = _heldout_longest(corpus_name, len(text))
    return Copied(index.passages(matches, most=PASSAGES), int(matches.lengths.max(initial=0)),
                  float(np.median(others)), max(others))  # fmt: skip


PASSAGES = 5  # shown
STRETCHES = 12  # of the held-out text, for comparison


@st.cache_resource(max_entries=16, show_spinner=False)
def _heldout_longest(corpus_name: str, length: int) -> list[int]:
    """The longest agreement with the training text of stretches of held-out text of that length."""
    index, heldout = copied.index(corpus_name), corpus.load(corpus_name).heldout
    starts = np.linspace(0, max(0, len(heldout) - length), STRETCHES).astype(int).tolist()
    return [int(index.matches(heldout[start : start + length]).lengths.max()) for start in dict.fromkeys(starts)]
