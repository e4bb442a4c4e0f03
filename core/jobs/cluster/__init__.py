"""Trainings on a Dask cluster: a task trains one run on a worker, in a process of its own, and sends its files back.

Workers share no storage with anybody. They have the same version of the project and are started in its folder:
``python -m dask worker tcp://SCHEDULER:8786`` (docs/SCALING.md says how); a worker trains as many runs at once as it
has threads. Whoever can reach a scheduler can run any program on its workers: keep both inside a network of your own,
or use Dask's TLS.
"""

from __future__ import annotations

import dataclasses
import logging
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from core import runs
from core.jobs.cluster.files import files_of, write
from core.jobs.cluster.tasks import ProcessEnded, perform
from core.jobs.cluster.versions import OtherVersion, differ, version
from core.runs import recorder

if TYPE_CHECKING:
    from distributed import Client, Future

INSTALL = 'A cluster needs Dask: pip install "dask[distributed]".'
START = "python -m dask worker"  # in the project's folder
CALM = Path(__file__).with_name("dask.yaml")  # for DASK_CONFIG: spares the trainings a twentieth of the processor
PATIENCE = 10.0  # seconds until a scheduler counts as unreachable
RETRIES = 2  # of a run whose process on the worker ended; Dask itself moves those of lost workers, three times


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
            raise ValueError(f"The worker {worker} has another version: {differ(answer, version())}.")


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
