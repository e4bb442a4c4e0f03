"""Trainings on a Dask cluster: a task trains one run on a worker, in a process of its own, and sends its files back.

Workers share no storage with anybody. They have the same version of the project and are started in its folder:
``python -m dask worker tcp://SCHEDULER:8786`` (docs/SCALING.md says how); a worker trains as many runs at once as it
has threads. Whoever can reach a scheduler can run any program on its workers: keep both inside a network of your own,
or use Dask's TLS.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib.metadata
import logging
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from core import atomic, runs
from core.jobs.processes import Crew, Worker
from core.runs import recorder

if TYPE_CHECKING:
    from distributed import Client, Future

INSTALL = 'A cluster needs Dask: pip install "dask[distributed]".'
START = "python -m dask worker"  # in the project's folder
LAB = Path(__file__).resolve().parents[1]
CALM = Path(__file__).with_name("dask.yaml")  # for DASK_CONFIG: spares the trainings a twentieth of the processor
PATIENCE = 10.0  # seconds until a scheduler counts as unreachable
RETRIES = 2  # of a run whose process on the worker ended; Dask itself moves those of lost workers, three times
LOOK = 0.5  # seconds between two looks whether a run is still wanted
CREW = Crew()  # of this worker of the cluster
TRAINING: dict[str, Path] = {}  # key of a task that this worker is at → folder of the run


class ProcessEnded(RuntimeError):
    """The process that trained a run on a worker is gone before the run had ended."""


class OtherVersion(RuntimeError):
    """A worker has not the same code as who asks it."""


# On the side that asks


def connect(address: str) -> Client:
    """A client of the cluster whose scheduler is at ``address``, "tcp://host:port"; the caller closes it.

    Raises:
        ValueError: Dask is not installed, nobody answers there, or the workers can't train; a sentence says which.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise ValueError(INSTALL) from error
    for name in ("distributed", "distributed.client"):  # what goes wrong is told in sentences of our own
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        parts = urlsplit(address if "://" in address else f"tcp://{address}")
        socket.create_connection((parts.hostname, parts.port), PATIENCE).close()  # at once, and leaves nothing behind
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"There is no Dask scheduler at {address!r} (tcp://host:8786 is the usual form).") from error
    try:
        _check_workers(client, address)
    except ValueError:
        client.close()
        raise
    return client


def _check_workers(client: Client, address: str) -> None:
    answers = client.run(version, on_error="return")
    if not answers:
        raise ValueError(f"The cluster has no workers: start some in the project's folder, `{START} {address}`.")
    for worker, answer in answers.items():
        if isinstance(answer, Exception):
            raise ValueError(f"The worker {worker} was not started in the project's folder: `{START} {address}`.")
        if answer != version():
            raise ValueError(f"The worker {worker} has another version: {_differ(answer, version())}.")


def _differ(theirs: Mapping[str, str], ours: Mapping[str, str]) -> str:
    return ", ".join(f"{part} {theirs[part]} and not {ours[part]}" for part in ours if theirs[part] != ours[part])


@cache
def version() -> dict[str, str]:
    """What decides the numbers of a run besides its settings: torch, and a digest of the lab's own code."""
    digest = hashlib.sha256()
    for file in sorted(LAB.rglob("*.py")):
        digest.update(f"{file.relative_to(LAB)}\0{file.read_text('utf-8')}\0".encode())
    return {"code": digest.hexdigest()[:12], "torch": importlib.metadata.version("torch")}


def train(topic: str, configs: Sequence[Any], root: Path, address: str) -> Iterator[runs.Run]:
    """Train the runs of these configs on the cluster, and record them below ``root``, as ``sweep.local`` does.

    A run whose worker is lost is trained again by another one. When the caller goes away, so does what it asked for.

    Raises:
        ValueError: as ``connect`` does, or the scheduler is lost; what has come back by then stays.
    """
    places = {runs.run_name(topic, config): config for config in configs}
    with connect(address) as client:
        from distributed import as_completed  # here, as connect says what to do where Dask is missing

        tasks = {
            ask(client, f"{topic}/{name}", _facts(topic, config), dataclasses.asdict(config), RETRIES): name
            for name, config in places.items()
        }
        for task in as_completed(tasks):
            path = root / topic / tasks[task]
            run = _received(task, path, topic, places[tasks[task]])
            task.release()  # or the worker keeps its files until the last one has ended
            if run:
                yield run


def ask(client: Client, place: str, facts: bytes, config: Mapping[str, Any], retries: int) -> Future:
    """Have the run ``place``, "<topic>/<name>", with this run.json trained; the answer: its files, name → content."""
    needed = {}
    if name := config.get("network"):  # a run that it builds on: workers have those that come with the project alone
        run = runs.find(name)
        needed = {} if run.shipped else {f"{run.topic}/{name}/{file}": each for file, each in files_of(run).items()}
    return client.submit(perform, place, facts, needed, version(), retries=retries, pure=False)


def _facts(topic: str, config: Any) -> bytes:
    """The run.json of a run that waits."""
    with tempfile.TemporaryDirectory() as folder:
        recorder.Recorder(Path(folder), topic, config).update()
        return Path(folder, "run.json").read_bytes()


def files_of(run: runs.Run) -> dict[str, bytes]:
    """The files of a run, name → content."""
    names = ["run.json", *(["history.jsonl"] if (run.path / "history.jsonl").exists() else []), *run.checksums]
    return {name: (run.path / name).read_bytes() for name in names}


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files below a folder, run.json last: it vouches for the others."""
    for name in sorted(files, key=lambda name: name == "run.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        atomic.write(folder / name, files[name])


def append(files: Mapping[str, bytes], folder: Path, known: dict[str, int]) -> None:
    """Write down ``news`` of a run, and add them to what is known."""
    with open(folder / "history.jsonl", "ab") as history:
        history.write(files.get("history.jsonl", b""))
    write({name: content for name, content in files.items() if name != "history.jsonl"}, folder)
    for name, content in files.items():
        known[name] = known.get(name, 0) + len(content)


def _received(task: Future, path: Path, topic: str, config: Any) -> runs.Run | None:
    """Record what a task has brought back; None if another process trains that run here."""
    if task.cancelled():
        raise ValueError("The scheduler is gone. What is recorded stays: the same command trains the rest.")
    error = task.exception()
    queued = recorder.create(path, topic, config)
    if queued is None:
        return None
    try:
        if error is None:
            write(task.result(), path)
        else:
            recorder.end(path, *ending(error))
    finally:
        queued.release()
    return runs.read(path)


def ending(error: BaseException) -> tuple[str, str]:
    """Status and reason of a run whose task has ended in an error."""
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return "interrupted", "Its worker was lost, and so were the others that took it over."
    if isinstance(error, ProcessEnded | OtherVersion):
        return "interrupted", str(error)
    return "failed", f"The worker could not train it ({type(error).__name__}: {error})."


# On a worker


def perform(place: str, facts: bytes, needed: Mapping[str, bytes], asked: Mapping[str, str]) -> dict[str, bytes]:
    """Train the run ``place``, "<topic>/<name>", with the run.json ``facts``; returns its files.

    Raises:
        ProcessEnded: its process is gone, or nobody wants the run any more.
        OtherVersion: this worker has not the version that was asked for.
    """
    from distributed import get_worker

    if asked != version():
        raise OtherVersion(f"The worker that it came to has another version: {_differ(version(), asked)}.")
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
