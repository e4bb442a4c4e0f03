"""What the page reads: runs, the values of their curves, and their networks' answers; each worked out once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import streamlit as st

from core import classifier, data, images, runs
from core.classifier import Config, inside
from core.data import Split
from core.runs import Run, RunError

TILES = 8  # images in the picture of the page
HEIGHT = 290  # pixels, of the replay and of the live charts alike, so that nothing jumps


@st.cache_resource(max_entries=1, show_spinner=False)
def shipped() -> tuple[list[Run], list[str]]:
    """The runs that come with the project, read once; and the reasons why other folders there are none."""
    return _read(runs.listing("classifier", runs.shipped_dir()))


@st.cache_resource(ttl=3, max_entries=2, show_spinner=False)
def own(root: str) -> tuple[list[Run], list[str]]:
    """One's own runs below ``root``; a new one shows within three seconds. And why other folders there are none."""
    return _read(runs.listing("classifier", Path(root)))


def _read(entries: list[Run | runs.Unreadable]) -> tuple[list[Run], list[str]]:
    """The readable runs whose names are those of their settings (no repetitions, no copies); reasons for the rest."""
    found, reasons = [], []
    for entry in entries:
        try:
            if isinstance(entry, runs.Unreadable):
                raise RunError(entry.reason)
            run = _whole(entry)
            if run.name == runs.run_name("classifier", Config(**run.config)):
                found.append(run)
        except RunError as error:
            reasons.append(str(error))
    return found, reasons


def library() -> list[Run]:
    """All runs that can be compared."""
    return [*shipped()[0], *own(str(runs.runs_dir()))[0]]


def state() -> str:
    """Changes when other runs can be compared, or one of them has come to an end; for keys of caches."""
    return str([(run.name, run.status) for run in own(str(runs.runs_dir()))[0]])


def unreadable() -> list[str]:
    """The folders among the runs that are none, with the reason, a sentence each."""
    return [*shipped()[1], *own(str(runs.runs_dir()))[1]]


def find(name: str) -> Run | None:
    """The run of that name as it is now, or None if there is none that can be read."""
    try:
        return _whole(runs.find(name))
    except RunError:
        return None


def _whole(run: Run) -> Run:
    """The run with all its settings if everything that the page shows can be read; a RunError if not."""
    try:
        if run.topic != "classifier":
            raise ValueError(f"Its topic is {run.topic}.")
        if run.status == "done":
            float(run.metrics["test_accuracy"])
        for record in run.history():
            needed = (
                "step",
                "steps",
                "epoch",
                "seconds",
                *(("confusion", "test_loss") if "test_accuracy" in record else ()),
            )
            if not record.keys() >= set(needed):
                raise ValueError("A record of its history is incomplete.")
        return dataclasses.replace(run, config=dataclasses.asdict(Config(**run.config)))
    except (TypeError, ValueError, KeyError) as error:
        raise RunError(f"{run.name} cannot be read. {error}") from error


def overlays() -> dict[str, str]:
    """The finished runs: name → words that tell them apart."""
    return _overlays(state())


@st.cache_resource(max_entries=4, show_spinner=False)
def _overlays(state: str) -> dict[str, str]:
    return {run.name: title(run) for run in library() if run.status == "done"}


def title(run: Run) -> str:
    """A run in words, such as "CIFAR-10 sgd 0.01 leaky relu, seed 42"."""
    config = run.config
    choices = f"{config['optimizer']} {config['lr']:g} {config['activation']}".replace("_", " ")
    rare = [
        f"{key.replace('_', ' ')} {config[key]}"
        for key in ("epochs", "images", "batch_size")
        if config[key] != getattr(Config(), key)
    ]
    return ", ".join([f"{data.title(config['dataset'])} {choices}", f"seed {config['seed']}", *rare])


def siblings(config: Config) -> list[Run]:
    """The finished runs with the same settings, whatever their seed, in the order of the seeds."""
    wanted = {**dataclasses.asdict(config), "seed": None}
    found = [run for run in library() if run.status == "done" and {**run.config, "seed": None} == wanted]
    once = {run.config["seed"]: run for run in found}
    return [once[seed] for seed in sorted(once)]


def tested(run: Run | None) -> list[dict]:
    """The records of the start and of the end of each epoch."""
    return [record for record in run.history() if "test_accuracy" in record] if run else []


def last_epoch(pair: dict[str, Run | None]) -> int:
    """The last epoch that A or B was tested after; 0 if there is none."""
    return max(0, *(len(tested(run)) - 1 for run in pair.values()))


def accuracies(run: Run | None) -> list[float]:
    """Test accuracy in % at epoch 0, 1, …"""
    return [100 * record["test_accuracy"] for record in tested(run)]


@st.cache_resource(max_entries=96, show_spinner=False)
def network(name: str, step: int, checksum: str):  # -> classifier.CNNBasic, frozen
    """The network of a run after ``step`` optimizer steps. Shared by all viewers: never change it."""
    run = runs.find(name)
    return classifier.restore(Config(**run.config), run.weights(step))


def network_of(run: Run, epoch: int):  # -> classifier.CNNBasic | None
    """The network of a run after ``epoch`` epochs, or None if its weights were not kept."""
    records = tested(run)
    step = records[epoch]["step"] if 0 <= epoch < len(records) else None
    if step not in run.steps:
        return None
    return network(run.name, step, run.checksums.get(f"snapshots/{step}.safetensors", ""))


@st.cache_data(max_entries=16, show_spinner=False)
def tile_sheet(dataset: str, identity: str) -> str:
    """The tiles in a row, as a data URI."""
    pictures = tiles(dataset).images
    return images.png_uri(images.sheet(pictures, len(pictures)))


@st.cache_resource(max_entries=16, show_spinner=False)
def tiles(dataset: str) -> Split:
    """Eight test images of as many different classes as there are."""
    split = examples(dataset)
    chosen = sorted(np.unique(split.labels, return_index=True)[1])[:TILES]
    return Split(np.array(split.images[chosen]), np.array(split.labels[chosen]))


def examples(dataset: str) -> Split:
    """The test images, or where CIFAR-10 is not on this machine, the 20 of them that come with the project.

    Raises:
        data.DataMissing: neither is there.
    """
    return data.samples("cifar10") if dataset == "cifar10" else data.load(dataset).test


@st.cache_resource(max_entries=128, show_spinner=False)
def verdicts(name: str, identity: str, epochs: int, classes: tuple[str, ...]) -> list[list[dict] | None]:
    """For each epoch, what the run's network says to each of the tiles: label, certainty, right or wrong."""
    run = runs.find(name)
    split = tiles(run.config["dataset"])
    found: list[list[dict] | None] = []
    for epoch in range(epochs + 1):
        model = network_of(run, epoch)
        found.append(None if model is None else _verdict(inside.certainties(model, split.images), split, classes))
    return found


def _verdict(certainty: np.ndarray, split: Split, classes: tuple[str, ...]) -> list[dict]:
    called = certainty.argmax(1)
    return [
        {"label": classes[c], "p": float(row[c]), "ok": bool(c == label)}
        for row, c, label in zip(certainty, called, split.labels, strict=True)
    ]


def class_names(dataset: str) -> tuple[str, ...]:
    """The names of the classes, also where the images of CIFAR-10 are not on this machine."""
    known = {"cifar10": data.CIFAR10_CLASSES, "fashion-mnist": data.FASHION_MNIST_CLASSES}
    return known[dataset] if dataset in known else data.load(dataset).classes


@st.cache_data(max_entries=8, show_spinner="Asking the network about every test image…")
def all_certainties(name: str, epoch: int, checksums: str) -> np.ndarray:
    """What the run's network says to every test image: float32 (N, K)."""
    run = runs.find(name)
    return inside.certainties(network_of(run, epoch), data.load(run.config["dataset"]).test.images)
