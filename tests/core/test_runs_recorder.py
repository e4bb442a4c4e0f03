"""core/runs/recorder: files whole at every moment, one winner where two want the same, and an end for every run."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from core import atomic, runs
from core.data import DataMissing
from core.locks import Lock
from core.runs import Diverged, RunError, recorder

ROOT = Path(__file__).parents[2]
FULL = OSError(errno.ENOSPC, "No space left on device")


# A topic that trains at once


@dataclass(frozen=True)
class Config:
    seed: int = 0
    epochs: int = 3


@dataclass(frozen=True)
class Progress:
    step: int
    loss: float
    test_accuracy: float | None = None

    @property
    def snapshot(self) -> bool:
        return self.test_accuracy is not None


class Topic(SimpleNamespace):
    """A topic whose training counts its weights up; ``at`` maps a step to what happens before its record."""

    def __init__(self, at: dict[int, Callable[[], None]] | None = None, **changes):
        def train(config, data, model):
            for step in range(config.epochs + 1):
                (at or {}).get(step, lambda: None)()
                nn.init.constant_(model.weight, step)
                yield Progress(step, 1 / (step + 1), step / 10 if step % 2 else None)

        def restore(config, weights):
            model = nn.Linear(2, 2)
            model.load_state_dict(weights)
            return model

        defaults = {
            "Config": Config, "train": train, "restore": restore, "build": lambda config, data: nn.Linear(2, 2),
            "load_data": lambda config: SimpleNamespace(name="toy", identity="abc", note=""),
            "measure": lambda model, data: {"weight": model.weight[0, 0].item()},
        }  # fmt: skip
        super().__init__(**{**defaults, **changes})


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "classifier/one"


def train(path: Path, monkeypatch: pytest.MonkeyPatch, topic: Topic, config: Config | None = None) -> runs.Run:
    """Create a run of this topic and perform it; what is left must be free of locks and of temporary files."""
    monkeypatch.setattr(recorder, "lab", lambda name: topic)
    queued = recorder.create(path, "classifier", config or Config())
    try:
        return recorder.perform(path)
    finally:
        queued.release()
        Lock(path / runs.WORKER_LOCK).release()
        assert list(path.rglob("*.part")) == []


def fails(error: BaseException) -> Callable[[], None]:
    def happen():
        raise error

    return happen


# How a training ends


def test_a_training_is_written_down(path, monkeypatch):
    run = train(path, monkeypatch, Topic())
    assert (run.status, run.reason, run.topic, run.config) == ("done", "", "classifier", {"seed": 0, "epochs": 3})
    assert run.data == {"name": "toy", "identity": "abc", "note": ""}
    assert run.environment["torch"] == torch.__version__
    assert run.environment["threads"] == 1
    history = run.history()
    assert [(line["step"], line["loss"]) for line in history] == [(0, 1.0), (1, 1 / 2), (2, 1 / 3), (3, 1 / 4)]
    assert [line.get("test_accuracy", "left out") for line in history] == ["left out", 0.1, "left out", 0.3]
    times = [line["seconds"] for line in history]
    assert times == sorted(times)
    assert 0 <= times[-1] <= run.seconds + 0.01
    assert run.steps == [1, 3]
    assert [run.weights(step)["weight"][0, 0].item() for step in run.steps] == [1, 3]
    assert run.metrics == {"weight": 3.0}


def test_metrics_are_measured_on_the_weights_as_they_are_stored(path, monkeypatch):
    """0.1 is 0.0999755859375 as a float16."""
    topic = Topic(at={3: lambda: monkeypatch.setattr(nn.init, "constant_", lambda weight, _: weight.data.fill_(0.1))})
    assert train(path, monkeypatch, topic).metrics == {"weight": 0.0999755859375}


MISSING = "CIFAR-10 is not on this machine. Run `python -m core fetch cifar10`."
ENDS = {  # what happens at step 2 → status, and the reason or a part of it
    "diverged": (Diverged(1234), "diverged", "no longer a finite number at step 1,234"),
    "no data": (DataMissing(MISSING), "failed", MISSING),
    "no memory": (MemoryError(), "failed", "too little memory"),
    "disk full": (FULL, "failed", "No space left on device."),
    "a file is gone": (FileNotFoundError(errno.ENOENT, "No such file"), "failed", "No such file."),
    "a wrong value": (ValueError("7 images are too few."), "failed", "7 images are too few."),
    "torch refuses": (RuntimeError("shapes cannot be multiplied"), "failed", "shapes cannot be multiplied"),
    "a wrong type": (TypeError("no float"), "failed", "TypeError: no float"),
    "a wrong index": (IndexError("Target 10 is out of bounds."), "failed", "Target 10 is out of bounds."),
    "a wrong key": (KeyError("3.weight"), "failed", "3.weight"),
    "division by nought": (ZeroDivisionError("division by zero"), "failed", "division by zero"),
    "an invariant": (AssertionError("K classes"), "failed", "K classes"),
}


@pytest.mark.parametrize("error, status, reason", ENDS.values(), ids=ENDS)
def test_whatever_happens_in_a_training_is_recorded(error, status, reason, path, monkeypatch):
    run = train(path, monkeypatch, Topic(at={2: fails(error)}))
    assert run.status == status
    assert reason in run.reason
    assert run.metrics == {}
    assert [line["step"] for line in run.history()] == [0, 1]
    assert run.steps == [1]
    assert run.weights(1)["weight"][0, 0] == 1


@pytest.mark.parametrize("name", ["load_data", "build", "train", "restore", "measure"])
def test_it_does_not_matter_where_it_happens(name, path, monkeypatch):
    run = train(path, monkeypatch, Topic(**{name: lambda *_: fails(DataMissing(MISSING))()}))
    assert (run.status, run.reason) == ("failed", MISSING)
    assert len(run.history()) == (4 if name in ("restore", "measure") else 0)


def test_missing_data_of_the_classifier_are_named(path, tmp_path, monkeypatch):
    from core.classifier import Config

    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "no data"))
    queued = recorder.create(path, "classifier", Config(dataset="fashion-mnist"))
    run = recorder.perform(path)
    queued.release()
    assert run.status == "failed"
    assert run.reason.startswith("Fashion-MNIST is not on this machine. Run `python -m core fetch fashion-mnist`")
    assert run.history() == []


@pytest.mark.parametrize("reason", ["Stopped by its viewer.", "", "Grüße"])
def test_a_training_that_is_asked_to_stop_keeps_what_it_has(reason, path, monkeypatch):
    def ask():
        atomic.write(path / recorder.STOP, reason.encode())

    run = train(path, monkeypatch, Topic(at={2: ask}))
    assert (run.status, run.reason, run.metrics) == ("stopped", reason, {})
    assert [line["step"] for line in run.history()] == [0, 1, 2]
    assert run.steps == [1]


def test_a_stop_before_the_first_record_ends_it_with_the_first(path, monkeypatch):
    run = train(path, monkeypatch, Topic(at={0: lambda: atomic.write(path / recorder.STOP, b"Enough.")}))
    assert run.status == "stopped"
    assert len(run.history()) == 1


@pytest.mark.parametrize("method", ["append", "snapshot"])
def test_a_full_disk_ends_a_training_with_a_sentence(method, path, monkeypatch):
    plain = getattr(recorder.Recorder, method)

    def full(self, *arguments):
        if method == "append" and arguments[0]["step"] < 2:
            return plain(self, *arguments)
        raise FULL

    monkeypatch.setattr(recorder.Recorder, method, full)
    run = train(path, monkeypatch, Topic())
    assert (run.status, run.reason) == ("failed", "A file could not be read or written: No space left on device.")
    assert [line["step"] for line in run.history()] == [0, 1]


def test_a_disk_too_full_for_the_end_leaves_an_interrupted_run(path, monkeypatch):
    def full():
        monkeypatch.setattr(recorder, "write", lambda *_: fails(FULL)())

    with pytest.raises(OSError, match="No space left"):
        train(path, monkeypatch, Topic(at={2: full}))
    run = runs.read(path)
    assert run.status == "interrupted"
    assert len(run.history()) == 4


def test_a_folder_that_is_removed_meanwhile_is_not_made_again(path, monkeypatch):
    monkeypatch.setattr(recorder, "lab", lambda name: Topic(at={2: lambda: shutil.rmtree(path)}))
    queued = recorder.create(path, "classifier", Config())
    with pytest.raises(FileNotFoundError):
        recorder.perform(path)
    queued.release()
    assert not path.exists()


def test_two_processes_do_not_train_the_same_run(path, monkeypatch):
    monkeypatch.setattr(recorder, "lab", lambda name: Topic())
    queued = recorder.create(path, "classifier", Config())
    other = Lock(path / runs.WORKER_LOCK)
    with pytest.raises(RunError, match="one is being trained by another process"):
        recorder.perform(path)
    assert runs.read(path).status == "queued"
    other.release()
    assert recorder.perform(path).status == "done"
    queued.release()


@pytest.mark.parametrize(
    "facts",
    [{"topic": "cooking"}, {"config": {"mood": "good"}}, {"config": {"lr": -1.0}}, {"config": {"lr": "x"}}],
    ids=str,
)
def test_settings_of_another_version_are_refused_in_a_sentence(facts, path):
    from core.classifier import Config

    recorder.create(path, "classifier", Config()).release()
    stored = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({**stored, **facts}))
    with pytest.raises(RunError, match="one has settings that this version does not know: "):
        recorder.perform(path)
    Lock(path / runs.WORKER_LOCK).release()


def test_what_ended_without_its_process_can_be_written_down(path):
    recorder.create(path, "classifier", Config()).release()
    assert runs.read(path).status == "interrupted"
    recorder.end(path, "failed", "It gave no sign of life.")
    run = runs.read(path)
    assert (run.status, run.reason, run.config) == ("failed", "It gave no sign of life.", {"seed": 0, "epochs": 3})


def test_all_weights_but_the_last_can_be_removed(path, monkeypatch):
    run = train(path, monkeypatch, Topic(), Config(epochs=5))
    recorder.keep_last_weights(run)
    kept = runs.read(path)
    assert kept.steps == [5]
    assert kept.weights()["weight"][0, 0] == 5
    assert [file.name for file in (path / "snapshots").iterdir()] == ["5.safetensors"]
    assert kept.metrics == run.metrics


# Whole files


def test_a_reader_never_sees_a_part_of_a_file(tmp_path):
    file = tmp_path / "run.json"
    contents = [bytes([letter]) * size for letter, size in ((65, 300_000), (66, 10), (67, 70_000))]
    atomic.write(file, contents[0])
    seen, ended = set(), threading.Event()

    def read():
        while not ended.is_set():
            seen.add(file.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for i in range(150):
            atomic.write(file, contents[i % 3])
    finally:
        ended.set()
        reader.join()
    assert seen <= set(contents)
    assert len(seen) > 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.json"]


WRITER = """
import itertools, sys
from pathlib import Path
from core.atomic import write
print("ready", flush=True)
for i in itertools.count():
    write(Path(sys.argv[1]), bytes([65 + i % 26]) * 200_000)
"""


def test_a_killed_writer_leaves_a_whole_file(tmp_path):
    file = tmp_path / "run.json"
    atomic.write(file, b"before")
    for round in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert writer.stdout.readline() == b"ready\n"
        while file.read_bytes()[:6] == b"before":
            assert writer.poll() is None
        time.sleep(0.003 * round)  # somewhere within a write
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        content = file.read_bytes()
        assert len(content) == 200_000
        assert len(set(content)) == 1
        atomic.write(file, b"before")
    left = [entry.name for entry in tmp_path.iterdir() if entry != file]
    assert len(left) <= 4
    assert all(name.startswith(".") and name.endswith(".part") for name in left)


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    file = tmp_path / "run.json"
    atomic.write(file, b"before")
    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, lambda *_: fails(FULL)())
            with pytest.raises(OSError, match="No space left"):
                atomic.write(file, b"after")
        assert file.read_bytes() == b"before"
        assert list(tmp_path.iterdir()) == [file]


# Creating


@pytest.fixture
def old(path) -> Path:
    """A run that was interrupted, with a file of its own."""
    recorder.create(path, "classifier", Config(seed=1)).release()
    (path / "history.jsonl").write_text("{}\n")
    return path


def test_a_created_run_is_queued_for_as_long_as_its_lock_is_held(path):
    lock = recorder.create(path, "classifier", Config(seed=5))
    run = runs.read(path)
    assert (run.status, run.config, run.history(), run.steps) == ("queued", {"seed": 5, "epochs": 3}, [], [])
    assert run.data == run.metrics == run.environment == {}
    lock.release()
    assert runs.read(path).status == "interrupted"


def test_creating_removes_what_lay_there(old):
    recorder.create(old, "classifier", Config(seed=2)).release()
    assert runs.read(old).config["seed"] == 2
    assert runs.read(old).history() == []
    assert [entry.name for entry in old.parent.iterdir()] == ["one"]


def test_a_run_that_somebody_cares_for_is_left_alone(path):
    lock = recorder.create(path, "classifier", Config(seed=1))
    assert recorder.create(path, "classifier", Config(seed=2)) is None
    assert runs.read(path).config["seed"] == 1
    assert runs.read(path).status == "queued"
    assert [entry.name for entry in path.parent.iterdir()] == ["one"]
    lock.release()
    again = recorder.create(path, "classifier", Config(seed=2))
    assert runs.read(path).config["seed"] == 2
    again.release()


def race(path: Path, count: int = 2) -> Iterator[tuple[int, Lock | None]]:
    """Create the same run in several threads at once; yields the seed and the lock of each."""
    together, results = threading.Barrier(count), {}

    def create(seed: int) -> None:
        together.wait()
        results[seed] = recorder.create(path, "classifier", Config(seed=seed))

    threads = [threading.Thread(target=create, args=(seed,)) for seed in range(10, 10 + count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results.items()


@pytest.mark.parametrize("something_lies_there", [False, True])
def test_of_two_at_once_one_wins(something_lies_there, path):
    for round in range(25):
        if something_lies_there:
            recorder.create(path, "classifier", Config(seed=round)).release()
        winners = [(seed, lock) for seed, lock in race(path) if lock is not None]
        assert len(winners) == 1
        run = runs.read(path)
        assert (run.config["seed"], run.status) == (winners[0][0], "queued")
        assert [entry.name for entry in path.parent.iterdir()] == ["one"]
        winners[0][1].release()
        shutil.rmtree(path)


def test_the_slower_of_two_does_not_remove_the_run_of_the_faster(old, monkeypatch):
    """The faster one replaces the old run between the slower one's look at it and its rename."""
    plain, faster = os.rename, []

    def rename(source, target):
        if not faster:
            faster.append(None)
            faster[0] = recorder.create(old, "classifier", Config(seed=8))
        plain(source, target)

    monkeypatch.setattr(os, "rename", rename)
    slower = recorder.create(old, "classifier", Config(seed=9))
    assert (faster[0] is None) != (slower is None)
    assert runs.read(old).config["seed"] == (9 if slower else 8)
    assert runs.read(old).status == "queued"


def test_a_lock_on_a_file_that_was_replaced_is_refused(tmp_path, monkeypatch):
    file, plain = tmp_path / "lock", os.open
    file.write_text("old")

    def opens(*arguments):
        descriptor = plain(*arguments)
        atomic.write(file, b"new")
        return descriptor

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", opens)
        with pytest.raises(BlockingIOError):
            Lock(file)
    Lock(file).release()
