"""What a worker of the cluster is asked to do, through Dask: train a run in a process of its own, and tell of it."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from core import atomic, runs
from core.jobs.cluster.files import files_of, write
from core.jobs.cluster.versions import OtherVersion, differ, version
from core.jobs.processes import Crew, Worker
from core.runs import recorder

LOOK = 0.5  # seconds between two looks whether a run is still wanted
CREW = Crew()  # of this worker
TRAINING: dict[str, Path] = {}  # key of a task that this worker is at → folder of the run


class ProcessEnded(RuntimeError):
    """The process that trained a run on a worker is gone before the run had ended."""


def perform(place: str, facts: bytes, needed: Mapping[str, bytes], asked: Mapping[str, str]) -> dict[str, bytes]:
    """Train the run ``place``, "<topic>/<name>", with the run.json ``facts``; returns its files.

    Raises:
        ProcessEnded: its process is gone, or nobody wants the run any more.
        OtherVersion: this worker has not the version that was asked for.
    """
    from distributed import get_worker

    if asked != version():
        raise OtherVersion(f"The worker that it came to has another version: {differ(version(), asked)}.")
    with tempfile.TemporaryDirectory(dir=get_worker().local_directory) as folder:
        path = Path(folder, place)
        write({**needed, f"{place}/run.json": facts}, Path(folder))
        with CREW.worker() as process, _ended_when_unwanted(process), _told_of(path):
            process.train(path)
        run = runs.read(path)
        if run.active or run.status == "interrupted":
            raise ProcessEnded("Its process on the worker ended before the training did.")
        return files_of(run)


@contextlib.contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """While this lasts, ``news`` and ``stop`` know the run of the task of this thread."""
    from distributed import get_worker

    key = get_worker().get_current_task()
    TRAINING[key] = path
    try:
        yield
    finally:
        del TRAINING[key]


def news(key: str, known: Mapping[str, int]) -> dict[str, bytes] | None:
    """What has come to the run of a task beyond the bytes of each file that are ``known``; None: it is not here."""
    path = TRAINING.get(key)
    if path is None:
        return None
    try:
        run = runs.read(path)
        found = {name: (path / name).read_bytes() for name in run.checksums if name not in known}
        with contextlib.suppress(FileNotFoundError):
            found["history.jsonl"] = (path / "history.jsonl").read_bytes()[known.get("history.jsonl", 0) :]
        return {**found, "run.json": (path / "run.json").read_bytes()} if run.active else {}
    except (OSError, ValueError):  # it has just ended, and its files are on their way
        return {}


def stop(key: str, reason: str) -> None:
    """Ask the run of a task to stop, if it is here."""
    if path := TRAINING.get(key):
        atomic.write(path / recorder.STOP, reason.encode())


@contextlib.contextmanager
def _ended_when_unwanted(process: Worker) -> Iterator[None]:
    """While this lasts, the process is ended as soon as nobody wants what the task of this thread is to bring.

    Dask can't interrupt a thread: a run that nobody waits for any more would keep the worker busy to its end.
    """
    from distributed import get_worker

    worker, over = get_worker(), threading.Event()
    key = worker.get_current_task()

    def look() -> None:
        while not over.wait(LOOK):
            task = worker.state.tasks.get(key)
            if task is None or task.state == "cancelled":
                process.end()

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join()
