"""The Run: how a training is kept on disk, listed, read and checked. Written by core/runs/recorder.py.

    <run>/run.json                        topic, config, status, data identity, headline metrics, command, checksums
    <run>/history.jsonl                   one progress record a line
    <run>/snapshots/<step>.safetensors    weights after so many optimizer steps
    <run>/samples/<step>.png|txt          what the model drew or wrote then, for topics that draw or write

Shipped runs lie in ``checkpoints/<topic>/<name>``, one's own in ``runs/<topic>/<name>`` ($EXPLORER_RUNS): same format.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from core.locks import is_held
from core.runs import files
from core.runs.files import RunError

FORMAT = 1  # of the folder; a reader refuses what is newer
STATUSES = ("queued", "running", "done", "stopped", "diverged", "failed", "interrupted")
ACTIVE = ("queued", "running")
QUEUE_LOCK, WORKER_LOCK = ".queue.lock", ".worker.lock"  # held while somebody cares for a queued, or a running, run
# The settings that are told in the names of runs
SPOKEN = ("dataset", "text", "cell", "objective", "layout", "layer", "model", "initial", "optimizer", "activation")
NUMBERED = {"lr": "lr{:g}", "iterations": "i{:d}", "perplexity": "p{:g}", "epsilon": "eps{:g}", "seed": "s{:d}"}
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,199}")
KINDS = {  # of the values in run.json
    "topic": str, "config": dict, "status": str, "reason": str, "command": str, "data": dict, "environment": dict,
    "metrics": dict, "seconds": (int, float), "checksums": dict,
}  # fmt: skip
ROOT = Path(__file__).resolve().parents[2]


class Diverged(ArithmeticError):
    """The loss became NaN or infinite at optimizer step ``step``."""

    def __init__(self, step: int):
        super().__init__(f"The loss was no longer a finite number at step {step:,}: try a lower learning rate.")
        self.step = step


def runs_dir() -> Path:
    """Where one's own runs are kept: $EXPLORER_RUNS, or ``runs`` under the project root. It need not exist."""
    return Path(os.environ.get("EXPLORER_RUNS") or ROOT / "runs").expanduser().absolute()


def shipped_dir() -> Path:
    """Where the runs that come with the project are kept."""
    return ROOT / "checkpoints"


@dataclass(frozen=True)
class Run:
    """A recorded training, as its folder tells it at one moment; read it again to see how it went on."""

    path: Path
    topic: str
    config: dict[str, Any]
    status: str  # one of STATUSES
    reason: str  # why it did not end as done; "" otherwise
    command: str  # makes the same run again
    data: dict[str, str]  # name, identity and note of the data set; {} until the training has begun
    environment: dict[str, Any]  # what it ran on; {} until the training has begun
    metrics: dict[str, float]  # headline figures, measured on the weights as stored; {} until done
    seconds: float  # training time; 0 until it has ended
    checksums: dict[str, str] = field(repr=False)  # file below the folder → sha256

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def shipped(self) -> bool:
        return self.path.is_relative_to(shipped_dir())

    @property
    def active(self) -> bool:
        return self.status in ACTIVE

    @property
    def steps(self) -> list[int]:
        """The optimizer steps of which there are weights, in order."""
        return sorted(self._kept["snapshots"])

    @property
    def samples(self) -> list[int]:
        """The steps of which there are samples, in order."""
        return sorted(self._kept["samples"])

    @cached_property
    def _kept(self) -> dict[str, dict[int, Path]]:
        """Folder → step → file of what was kept in it; what is gone, or not the run's, is left out."""
        return files.kept(self.path, tuple(self.checksums))

    def history(self) -> list[dict[str, Any]]:
        """The progress records so far. A torn last line (the writer was killed, or is just writing) is left out.

        Raises:
            RunError: another line is damaged.
        """
        return files.history(self.path / "history.jsonl")

    def weights(self, step: int | None = None) -> dict:
        """The weights after ``step`` optimizer steps (default: the last kept) as float32 tensors, checked.

        Raises:
            RunError: there are none, the file is damaged, or it is not the one that was recorded.
        """
        kept = self._kept["snapshots"]
        if not kept or (step is not None and step not in kept):
            raise RunError(f"The run {self.name} has no weights{'' if step is None else f' of step {step}'}.")
        return files.weights(self.path, kept[max(kept) if step is None else step], self.checksums)

    def sample(self, step: int) -> bytes:
        """What the model drew or wrote after ``step`` steps, checked.

        Raises:
            RunError: there is no such sample, or the file is not the one that was recorded.
        """
        kept = self._kept["samples"]
        if step not in kept:
            raise RunError(f"The run {self.name} has no sample of step {step}.")
        return files.checked(self.path, kept[step], self.checksums)


@dataclass(frozen=True)
class Unreadable:
    """A folder that lies among the runs but is none, with the reason in a sentence."""

    path: Path
    reason: str

    @property
    def name(self) -> str:
        return self.path.name


def run_name(topic: str, config: Any) -> str:
    """The name of the run of a config: readable, and the same for the same config.

    >>> run_name("classifier", Config())
    'classifier-cifar10-adam-leaky-relu-lr0.001-s42-c5d8091c'
    """
    settings = dataclasses.asdict(config)
    digest = hashlib.sha256(json.dumps([topic, settings], sort_keys=True).encode()).hexdigest()[:8]
    told = settings.keys() - set(getattr(config, "unused", ()))  # what means nothing to a run is not in its name
    words = [str(settings[key]) for key in SPOKEN if key in told and settings[key] not in ("", "none")]
    numbers = [form.format(settings[key]) for key, form in NUMBERED.items() if key in told]
    return "-".join([topic, *words, *numbers, digest]).replace("_", "-").lower()


def command(topic: str, config: Any) -> str:
    """The command line that makes the run of a config: what differs from the defaults is spelled out."""
    changed = {f.name: getattr(config, f.name) for f in dataclasses.fields(config)}
    options = [f"--{k.replace('_', '-')} {v}" for k, v in changed.items() if v != getattr(type(config)(), k)]
    return " ".join(["python -m core train", topic, *options])


def read(path: Path) -> Run:
    """The run in a folder.

    Raises:
        RunError: the folder holds no run, or one that this version cannot read.
    """
    try:
        stat = (path / "run.json").stat()
        stored = _stored(path / "run.json", stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if stored["format"] > FORMAT:
            raise RunError(f"{path.name} was written by a newer version of the explorer (format {stored['format']}).")
        run = Run(path, **{f.name: stored[f.name] for f in dataclasses.fields(Run) if f.name != "path"})
    except FileNotFoundError as error:
        raise RunError(f"{path.name} has no run.json, so it is not a run.") from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, RunError):
            raise
        raise RunError(f"The run.json of {path.name} cannot be read ({type(error).__name__}: {error}).") from error
    return _checked(run)


@lru_cache(maxsize=256)
def _stored(file: Path, inode: int, size: int, written: int) -> dict[str, Any]:
    """What a run.json says; never change it. A new one has another inode: it is renamed into the old one's place."""
    return json.loads(file.read_text("utf-8"))


def _checked(run: Run) -> Run:
    """Refuse what has the wrong types; see an active run whose process is gone as interrupted."""
    for name, kind in KINDS.items():
        if not isinstance(getattr(run, name), kind):
            raise RunError(f"In the run.json of {run.name}, {name} is not what it should be.")
    if run.status not in STATUSES:
        raise RunError(f"The run {run.name} has the unknown status {run.status!r}.")
    lock = {"queued": QUEUE_LOCK, "running": WORKER_LOCK}.get(run.status)
    try:
        alive = lock is None or is_held(run.path / lock)
    except OSError as error:
        raise RunError(f"Whether {run.name} is still going on cannot be told ({error.strerror or error}).") from error
    if not alive:
        return dataclasses.replace(run, status="interrupted", reason="Its process ended before the training did.")
    return run


def listing(topic: str | None = None, folder: Path | None = None) -> list[Run | Unreadable]:
    """All runs, or those below one folder: shipped ones first, then by name.

    Folders that are no runs are listed with the reason.
    """
    found: list[Run | Unreadable] = []
    for root in (folder,) if folder else (shipped_dir(), runs_dir()):
        for path in sorted(root.glob(f"{topic or '*'}/*")):
            if path.is_dir() and not path.name.startswith(".") and not path.parent.name.startswith("."):
                found.append(entry(path))
    return found


def entry(path: Path) -> Run | Unreadable:
    """The run in a folder, or why it cannot be read."""
    try:
        return read(path)
    except RunError as error:
        return Unreadable(path, str(error))


def find(name: str) -> Run:
    """The run of that name, shipped or one's own.

    Raises:
        RunError: there is none, it cannot be read, or the name is not one.
    """
    if NAME.fullmatch(name):
        for root in (shipped_dir(), runs_dir()):
            for path in (root / topic / name for topic in sorted(files.names(root))):
                if path.exists() and not path.parent.name.startswith("."):
                    return read(path)
    raise RunError(f"There is no run {name!r}: `python -m core runs` lists them.")


def of(topic: str, config: Any) -> Run | None:
    """The run of exactly this config if there is one, shipped or one's own, in whatever status."""
    try:
        return find(run_name(topic, config))
    except RunError:
        return None


def first_difference(one: Run, other: Run) -> int | None:
    """The optimizer step at which two histories first differ, times aside; None if they are the same."""
    first, second = ([{**record, "seconds": None} for record in run.history()] for run in (one, other))
    for a, b in zip(first, second, strict=False):
        if a != b:
            return a["step"]
    if len(first) == len(second):
        return None
    return max(first, second, key=len)[min(len(first), len(second))]["step"]
