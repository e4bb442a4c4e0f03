"""What the page reads: recorded runs, their sheets, measures and generators; each worked out once for all viewers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from core import data, gan, runs
from core.gan import Config, measures
from core.runs import Run, RunError, recorder
from pages._gan.settings import LENGTHS
from pages._shared.again import AGAIN
from pages._shared.components.sheets import png_uri

Found = dict[str, Run | None]  # side → run


def find(config: Config) -> Run | None:
    """The run with exactly these settings as it is now, or None if there is none that can be read."""
    return _readable(runs.of("gan", config))


def find_by_name(name: str) -> Run | None:
    """The run of that name as it is now, or None if there is none that can be read."""
    try:
        return _readable(runs.find(name))
    except RunError:
        return None


def _readable(run: Run | None) -> Run | None:
    try:
        if run is not None:
            run.history()
    except RunError:
        return None
    return run


def shown(config: Config) -> Run | None:
    """The run that shows these settings: exactly theirs, or where nothing was drawn by it yet, one that differs only in
    how long it trained. Its first iterations are the same, as the length of a training changes none of its numbers."""
    exact = find(config)
    if exact is not None and (exact.samples or exact.active):
        return exact
    longer = [n for n in LENGTHS if n > config.iterations]
    shorter = [n for n in reversed(LENGTHS) if n < config.iterations]
    for iterations in (*longer, *shorter):
        run = find(dataclasses.replace(config, iterations=iterations))
        if run is not None and run.samples:
            return run
    return exact


def steps(run: Run | None, most: int) -> list[int]:
    """The iterations of which there is a sheet, up to the most."""
    return [step for step in run.samples if step <= most] if run else []


def measured(run: Run | None, most: int) -> list[dict[str, Any]]:
    """The records with measures of pictures, up to the most iterations."""
    return [r for r in run.history() if r["step"] <= most and "digit_histogram" in r] if run else []


def at(run: Run | None, step: int, most: int) -> dict[str, Any] | None:
    """The measures of the last sheet up to a step."""
    return next((r for r in reversed(measured(run, min(step, most)))), None)


def uri(run: Run, step: int) -> str:
    """A sheet as a data URI."""
    return _uri(run.name, step, checksum(run, f"samples/{step}.png"))


@st.cache_resource(max_entries=4000, show_spinner=False)
def _uri(name: str, step: int, checksum: str) -> str:
    return png_uri(runs.find(name).sample(step))


def checksum(run: Run, file: str) -> str:
    """Changes when the file does."""
    return run.checksums.get(file, "")


def seeds(config: Config) -> list[Run]:
    """The recorded runs with these settings whatever their seed, that are at least as long, in the order of the seeds;
    of each seed the shortest of them."""
    wanted = _but_for_seed(dataclasses.asdict(config))
    found: dict[int, Run] = {}
    for run in (*_shipped(), *_own(str(runs.runs_dir()))):
        long_enough = run.config["iterations"] >= config.iterations
        if long_enough and _but_for_seed(run.config) == wanted:
            found.setdefault(run.config["seed"], run)
    return [found[seed] for seed in sorted(found)]


def _but_for_seed(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "seed": None, "iterations": None}


@st.cache_resource(max_entries=1, show_spinner=False)
def _shipped() -> list[Run]:
    return _done(runs.shipped_dir())


@st.cache_resource(ttl=3, max_entries=2, show_spinner=False)
def _own(root: str) -> list[Run]:
    return _done(Path(root))


def _done(root: Path) -> list[Run]:
    """The finished runs below a folder, the shortest first."""
    found = [run for run in runs.listing("gan", root) if isinstance(run, Run) and run.status == "done"]
    return sorted((run for run in found if _known(run)), key=lambda run: run.config["iterations"])


def _known(run: Run) -> bool:
    """Whether the run can be read, is of this version, and is none that was trained again to be compared."""
    try:
        recorder.config_of(run)
        return bool(run.history()) and not run.name.endswith(AGAIN)
    except RunError:
        return False


def config_of(run: Run) -> Config:
    """The settings of a run; raises a RunError where this version does not know them."""
    return recorder.config_of(run)


def generator(run: Run, step: int):  # -> networks.Generator, frozen
    """The generator after a step; raises a RunError where its weights are damaged or of another shape."""
    return _generator(run.name, step, checksum(run, f"snapshots/{step}.safetensors"))


@st.cache_resource(max_entries=32, show_spinner=False)
def _generator(name: str, step: int, checksum: str):
    run = runs.find(name)
    return gan.restore(recorder.config_of(run), run.weights(step))


@st.cache_resource(max_entries=1, show_spinner=False)
def real() -> dict[str, Any]:
    """The measures of 2,000 training images: what a perfect generator would get."""
    return measures.of_real(data.load("mnist"))


@st.cache_data(max_entries=256, show_spinner="Comparing it with 60 000 training images…")
def nearest(picture: bytes, space: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The nearest training images of a picture (784 bytes): places (count,) and distances (count,)."""
    pixels = np.frombuffer(picture, np.uint8).reshape(1, 1, 28, 28)
    places, distances = measures.nearest(pixels, data.load("mnist"), count, space)
    return places[0], distances[0]


@st.cache_data(max_entries=256, show_spinner=False)
def verdict(picture: bytes) -> tuple[int, float]:
    """What the judge calls a picture (784 bytes), and its certainty."""
    pixels = np.frombuffer(picture, np.uint8).reshape(1, 1, 28, 28)
    probabilities = measures.judged(measures.scaled(pixels))[1][0]
    return int(probabilities.argmax()), float(probabilities.max())
