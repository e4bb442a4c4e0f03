"""How a training is written down as a run, and the one loop that does so for every topic."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import importlib
import json
import os
import platform
import shutil
import time
from pathlib import Path
from types import ModuleType, NoneType
from typing import Any

from core import runs
from core.atomic import write
from core.data import DataMissing
from core.locks import Lock
from core.runs import Diverged, RunError

TOPICS = ("classifier", "embeddings", "char_rnn", "gan", "adversarial")
TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOENT)  # two create a run at the same moment: the other one's stands
STOP = ".stop"  # the file that asks a training to stop; its text is the reason


def lab(topic: str) -> ModuleType:
    """The module of a topic: Config, load_data, build, train, restore and measure, as in core/classifier.

    Where its progress records carry a ``sample`` (bytes), its ``SAMPLE`` is the suffix of their files. A function
    ``summary(history)`` adds what the records tell to the headline metrics.
    """
    if topic not in TOPICS:
        raise ValueError(f"There is no topic {topic!r}. Known: {', '.join(TOPICS)}.")
    return importlib.import_module(f"core.{topic}")


def config_of(run: runs.Run) -> Any:
    """The settings of a run as its topic's Config.

    Raises:
        RunError: this version knows no such topic or settings.
    """
    try:
        return lab(run.topic).Config(**run.config)
    except (ValueError, TypeError) as error:
        raise RunError(f"{run.name} has settings that this version does not know: {error}") from error


class Recorder:
    """Writes one run folder. Every write is whole or not there at all; the history only grows."""

    def __init__(self, path: Path, topic: str, config: Any, status: str = "queued"):
        self.path = path
        self._facts = {
            "format": runs.FORMAT, "topic": topic, "config": dataclasses.asdict(config), "status": status, "reason": "",
            "command": runs.command(topic, config), "data": {}, "environment": {}, "metrics": {}, "seconds": 0.0,
            "checksums": {},
        }  # fmt: skip

    def update(self, **facts: Any) -> None:
        """Change facts of run.json."""
        self._facts.update(facts)
        write(self.path / "run.json", json.dumps(self._facts, indent=1).encode() + b"\n")

    def append(self, record: dict[str, Any]) -> None:
        """Add a record to the history; what is not known yet (None), or is no number or text (bytes), is left out."""
        line = json.dumps({key: value for key, value in record.items() if not isinstance(value, NoneType | bytes)})
        with open(self.path / "history.jsonl", "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def snapshot(self, step: int, state: dict) -> None:
        """Keep the weights, a state dict."""
        from core.runs import weights

        self._keep(f"snapshots/{step}.safetensors", weights.pack(state))

    def sample(self, step: int, content: bytes, suffix: str) -> None:
        """Keep what the model drew (``suffix`` "png") or wrote ("txt") after ``step`` steps."""
        self._keep(f"samples/{step}.{suffix}", content)

    def _keep(self, name: str, content: bytes) -> None:
        (self.path / name).parent.mkdir(exist_ok=True)
        write(self.path / name, content)
        self.update(checksums={**self._facts["checksums"], name: hashlib.sha256(content).hexdigest()})

    def stop_reason(self) -> str | None:
        """Why somebody asked this training to stop, or None."""
        try:
            return (self.path / STOP).read_text("utf-8")
        except FileNotFoundError:
            return None


def create(path: Path, topic: str, config: Any) -> Lock | None:
    """Put an empty queued run at ``path``; returns its queue lock, or None if somebody else has just done the same.

    The run counts as queued for as long as the lock is held. What lay there before (a run that did not end well, or one
    to be trained again) is removed, unless its lock is held.

    Raises:
        OSError: the disk is full, say, or the folder is not ours. Nothing is left behind.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    lock = None
    try:
        aside.mkdir(parents=True)
        Recorder(aside, topic, config).update()
        lock = Lock(aside / runs.QUEUE_LOCK)
        if path.exists():
            _remove(path, aside.with_name(aside.name + ".old"))
        os.rename(aside, path)
    except OSError as error:
        if lock is not None:
            lock.release()
        shutil.rmtree(aside, ignore_errors=True)
        if lock is not None and (error.errno in TAKEN or isinstance(error, BlockingIOError)):
            return None
        raise
    return lock


def _remove(path: Path, aside: Path) -> None:
    """Remove a run that nobody cares for, at once for every reader; BlockingIOError if somebody does."""
    lock = Lock(path / runs.QUEUE_LOCK)
    try:
        os.rename(path, aside)
        shutil.rmtree(aside, ignore_errors=True)
    finally:
        lock.release()


def end(path: Path, status: str, reason: str) -> None:
    """Write down how a run ended whose own process can't say it."""
    _change(path, status=status, reason=reason)


def mark(path: Path, **facts: Any) -> None:
    """Add facts to what a run ran on."""
    _change(path, environment={**runs.read(path).environment, **facts})


def keep_last_weights(run: runs.Run) -> None:
    """Remove all weights of a run but the last, to save space."""
    names = [f"snapshots/{step}.safetensors" for step in run.steps]
    _change(run.path, checksums={name: digest for name, digest in run.checksums.items() if name not in names[:-1]})
    for name in names[:-1]:
        (run.path / name).unlink()


def _change(path: Path, **facts: Any) -> None:
    stored = json.loads((path / "run.json").read_text("utf-8"))
    write(path / "run.json", json.dumps({**stored, **facts}, indent=1).encode() + b"\n")


def perform(path: Path, device: str = "cpu") -> runs.Run:
    """Train what the run.json at ``path`` asks for, in this process, and record it there.

    The numbers depend on the config alone: one torch thread, no global random state. Whatever happens ends as a status.

    Raises:
        RunError: there is no run, or another process is at it.
    """
    stored = runs.read(path)
    try:
        lock = Lock(path / runs.WORKER_LOCK)
    except BlockingIOError as error:
        raise RunError(f"{stored.name} is being trained by another process.") from error
    try:
        config, topic = config_of(stored), lab(stored.topic)
        recorder = Recorder(path, stored.topic, config)
        recorder.update(status="running", environment=environment(device))
        started = time.monotonic()
        outcome = _attempt(topic, config, recorder, device, started)
        recorder.update(**outcome, seconds=round(time.monotonic() - started, 2))
    finally:
        lock.release()
    return runs.read(path)


def _attempt(topic: ModuleType, config: Any, recorder: Recorder, device: str, started: float) -> dict[str, Any]:
    """Train and record; returns the facts with which the run ends. A training may fail in any way: it is recorded."""
    import torch

    torch.set_num_threads(1)
    try:
        data = topic.load_data(config)
        recorder.update(data={"name": data.name, "identity": data.identity, "note": data.note})
        model = topic.build(config, data).to(device)
        for progress in topic.train(config, data, model):
            elapsed = round(time.monotonic() - started, 3)
            recorder.append({**dataclasses.asdict(progress), "seconds": elapsed})
            if progress.snapshot:
                recorder.snapshot(progress.step, model.state_dict())
            if (sample := getattr(progress, "sample", None)) is not None:
                recorder.sample(progress.step, sample, topic.SAMPLE)
            if (reason := recorder.stop_reason()) is not None:
                return {"status": "stopped", "reason": reason}
        return {"status": "done", "metrics": measure(recorder.path, topic, config, data)}
    except Diverged as error:
        return {"status": "diverged", "reason": str(error)}
    except (DataMissing, ValueError) as error:  # a sentence each
        return {"status": "failed", "reason": str(error)}
    except MemoryError:
        return {"status": "failed", "reason": "This machine has too little memory for it: try a smaller batch."}
    except OSError as error:
        return {"status": "failed", "reason": f"A file could not be read or written: {error.strerror or error}."}
    except Exception as error:
        return {"status": "failed", "reason": f"{type(error).__name__}: {error}"}


def measure(path: Path, topic: ModuleType, config: Any, data: Any) -> dict[str, float]:
    """The headline metrics of a run: measured on its last weights as they are stored, and read off its history."""
    run = runs.read(path)
    measured = topic.measure(topic.restore(config, run.weights()), data)
    return {**measured, **topic.summary(run.history())} if hasattr(topic, "summary") else measured


def environment(device: str) -> dict[str, Any]:
    """What a training runs on, as far as it may matter for its numbers."""
    import torch

    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else platform.machine()
    return {"python": platform.python_version(), "torch": torch.__version__, "system": platform.system(),
            "device": device, "hardware": name, "threads": 1}  # fmt: skip
