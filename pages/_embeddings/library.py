"""What the page reads: networks that can be looked at, recorded layouts, and their points; each worked out once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from core import data, images, runs
from core.embeddings import Config, reading
from core.runs import Run, RunError
from pages._shared.components.maps import NEIGHBOURS

ACROSS = 50  # images in a row of the sheet that hovering shows


@dataclass(frozen=True)
class Network:
    """A trained network whose features can be laid out."""

    name: str  # of its run; "" for the shipped one
    title: str
    dataset: str
    epochs: int  # of its last weights; there are weights of every epoch


def networks() -> dict[str, Network]:
    """Title → network: the shipped one, one's own, and the classifiers whose images are on this machine."""
    found = [*_shipped(), *_own(str(runs.runs_dir()))]
    there = {dataset: data.available(dataset) for dataset in {network.dataset for network in found}}
    return {network.title: network for network in found if there[network.dataset]}


@st.cache_resource(max_entries=1, show_spinner=False)
def _shipped() -> list[Network]:
    return _networks(runs.shipped_dir())


@st.cache_resource(ttl=3, max_entries=2, show_spinner=False)
def _own(root: str) -> list[Network]:
    return _networks(Path(root))


def _networks(root: Path) -> list[Network]:
    entries = [*runs.listing("embeddings", root), *runs.listing("classifier", root)]
    found = [network for entry in entries if isinstance(entry, Run) for network in _network(entry)]
    return sorted(found, key=lambda network: network.dataset != "mnist")


def _network(run: Run) -> list[Network]:
    """The run as a network, if it is a finished one with weights of every epoch."""
    try:
        config = run.config
        epochs = config["epochs"]
        whole = run.status == "done" and len(run.steps) == epochs + 1
        if not whole or (run.topic == "embeddings" and config["layout"] != "none"):
            return []
        if run.topic == "embeddings":
            short = f", {epochs} epochs" if epochs != Config().epochs else ""
            place = "" if config["dataset"] == "mnist" else f"{data.title(config['dataset'])} "
            title = f"{place}Small CNN, seed {config['seed']}{short}"
            name = "" if run.shipped else run.name
        else:
            choices = f"{config['optimizer']} {config['lr']:g} {config['activation']}".replace("_", " ")
            title, name = f"{data.title(config['dataset'])} {choices}, seed {config['seed']}", run.name
        few = config.get("images") or 0
        return [Network(name, title + (f", {few} images" if few else ""), config["dataset"], epochs)]
    except (KeyError, TypeError, ValueError):
        return []


def find(config: Config) -> Run | None:
    """The layout with these settings as it is now, or None if there is none that can be read."""
    run = runs.of("embeddings", config)
    try:
        if run is not None:
            run.history()
    except RunError:
        return None
    return run


def find_by_name(name: str) -> Run:
    """The run of that name; raises a RunError if there is none that can be read."""
    return runs.find(name)


def forget() -> None:
    """Look for one's own runs anew at the next call."""
    _own.clear()


def identity(run: Run) -> str:
    """Changes when the points of the run do."""
    return hashlib.sha256(str((run.name, sorted(run.checksums.items()))).encode()).hexdigest()


@st.cache_resource(max_entries=400, show_spinner=False)
def points(name: str, step: int, checksum: str) -> reading.Points:
    """The points of a layout; shared by all viewers, never change them."""
    return reading.points(runs.find(name), step)


def points_of(run: Run, step: int) -> reading.Points:
    """The points of a layout after that step."""
    return points(run.name, step, run.checksums.get(f"snapshots/{step}.safetensors", ""))


def near_of(run: Run, step: int) -> np.ndarray:
    """The nearest neighbours of every point in the original space of the layout after that step: (n, NEIGHBOURS)."""
    return reading.nearest(run, NEIGHBOURS, step)


@st.cache_data(max_entries=8, show_spinner=False)
def sprite(dataset: str, count: int) -> str:
    """The first test images as one picture, a data URI."""
    return images.png_uri(images.sheet(data.load(dataset).test.images[:count], ACROSS))


def quality(run: Run | None) -> dict[int, dict[str, float]]:
    """Step → what was measured of the layout after it, for those steps of which something was."""
    records = run.history() if run else []
    return {record["step"]: record for record in records if "trustworthiness" in record}


def epoch_of(run: Run, epoch: int) -> int | None:
    """The step of a layout of every epoch that shows this one; the nearest before it, None if there is none."""
    return max((step for step in run.steps if step <= epoch), default=None)


def readable(run: Run | None) -> bool:
    """Whether there is something to see of the run."""
    return run is not None and bool(run.steps)
