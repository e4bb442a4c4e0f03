"""Downloads of the data sets in core/data/sources.py: one at a time, resumable, checked, and never half a data set.

    <data>/.downloads/<name>.lock      held while a download goes on
    <data>/.downloads/<name>.json      its progress, for every other process (.<name>.json.….part: half written)
    <data>/.downloads/<file>.part      what was received: kept after an interruption, removed when unpacked
    <data>/.cache/<name>-original/     the result: decoded arrays (core/data/dataset.py)

All of it is safe to remove while no download goes on.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import shutil
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from core import atomic, data
from core.data import transfer
from core.data.dataset import Dataset, read, write
from core.data.sources import SOURCES, Source
from core.locks import Lock, is_held

INTERVAL = 0.25  # seconds between two reports of progress
ENDED = ("done", "failed")
MALFORMED = (  # what the decoders raise at files that are not what they should be
    AssertionError, EOFError, LookupError, TypeError, ValueError, gzip.BadGzipFile, tarfile.TarError, zlib.error,
)  # fmt: skip
STILL = "MNIST and every recorded run work without it."


class DownloadError(RuntimeError):
    """A download failed; the message says why and what to do, in plain sentences."""


@dataclass(frozen=True)
class Progress:
    """How far a download is."""

    phase: str  # "downloading" | "checking" | "unpacking" | "done" | "failed"
    received: int  # bytes, of all files together
    total: int  # bytes
    message: str = ""  # for people


Tell = Callable[[Progress], None]


def fetch(name: str, on_progress: Tell | None = None) -> None:
    """Download the data set ``name`` unless it is there; afterwards ``data.load(name)`` works.

    If another thread or process is at it already, this call follows: it reports that one's progress and shares its
    outcome, or takes over if it is killed. An exception from ``on_progress`` ends the download; what was received is
    kept for the next call.

    Raises:
        ValueError: there is no download of this name.
        DownloadError: offline, not the expected file, no space, not writable.
    """
    if name not in SOURCES:
        raise ValueError(f"There is no download of {name!r}. Known: {', '.join(SOURCES)}.")
    tell = on_progress or (lambda progress: None)
    with _turn(name, tell) as followed:
        last = _recorded(name)
        if followed and last and last.phase == "failed":
            raise DownloadError(last.message)
        job = _Job(name, SOURCES[name], tell)
        if read(data.original(name)):
            tell(Progress("done", job.total, job.total, f"{job.title} is ready."))
        else:
            _fetch(job)


def status(name: str) -> Progress | None:
    """The progress of the download of ``name``, whichever process does it; of the last one if none is going on.

    None if there was none so far. A download whose process was killed reads as failed, and says how to go on.
    """
    progress = _recorded(name)
    if progress is None or progress.phase in ENDED or is_held(_folder() / f"{name}.lock"):
        return progress
    progress = _recorded(name) or progress  # it may have ended between the two looks
    if progress.phase in ENDED:
        return progress
    return replace(progress, phase="failed", message="The download was interrupted; start it again and it goes on.")


# One download


class _Job:
    """A download in progress: its files on disk, and how it reports."""

    def __init__(self, name: str, source: Source, tell: Tell) -> None:
        self.name, self.title, self.source, self.tell = name, data.title(name), source, tell
        self.parts = [_folder() / f"{file.name}.part" for file in source.files]
        self.total = sum(file.size for file in source.files)
        self.reported = 0.0  # time.monotonic()

    @property
    def received(self) -> int:
        return sum(map(transfer.size_of, self.parts))

    def report(self, phase: str, message: str, received: int | None = None) -> None:
        self.reported = time.monotonic()
        progress = Progress(phase, self.received if received is None else received, self.total, message)
        _record(self.name, progress)
        self.tell(progress)

    def tick(self) -> None:
        if time.monotonic() - self.reported >= INTERVAL:
            self.report("downloading", f"Downloading {self.title}.")


def _fetch(job: _Job) -> None:
    """The whole of it. A failure is recorded for those who follow before it is raised."""
    try:
        with _plain_errors(job):
            _check_space(job)
            _receive(job)
            job.report("unpacking", f"Unpacking {job.title}.")
            with _removed_if_unexpected(job, job.parts):
                dataset = _decode(job)
            write(data.original(job.name), dataset)
            _remove(job.parts)
    except DownloadError as error:
        job.report("failed", str(error))
        raise
    job.report("done", f"{job.title} is ready.", job.total)


def _receive(job: _Job) -> None:
    for file, part in zip(job.source.files, job.parts, strict=True):
        with _removed_if_unexpected(job, [part]):
            job.report("downloading", f"Downloading {job.title}.")
            transfer.receive(file.urls, part, file.size, job.tick)
            job.report("checking", f"Checking {file.name}.")
            transfer.check(part, file.digest)


def _decode(job: _Job) -> Dataset:
    try:
        return job.source.decode(job.parts)
    except MALFORMED as error:
        raise transfer.Unexpected(str(error)) from error


def _check_space(job: _Job) -> None:
    needed = job.total - job.received + job.source.unpacked
    free = shutil.disk_usage(_folder()).free
    if free < needed:
        sizes = f"{needed / 1e6:.0f} MB of free space in {data.data_dir()}, there are {free / 1e6:.0f} MB"
        raise DownloadError(f"{job.title} needs {sizes}. {STILL}")


@contextlib.contextmanager
def _plain_errors(job: _Job) -> Iterator[None]:
    try:
        yield
    except transfer.Lost as error:
        kept = " What came is kept." if job.received else ""
        raise DownloadError(f"{job.title} could not be downloaded: {error}{kept} {STILL}") from error
    except OSError as error:  # of the network it would be Lost: this is the disk
        why = f"stored in {data.data_dir()} ({error.strerror or error})"
        raise DownloadError(f"{job.title} could not be {why}. {STILL}") from error


@contextlib.contextmanager
def _removed_if_unexpected(job: _Job, parts: list[Path]) -> Iterator[None]:
    """Files that are not what they should be are removed, so that the next attempt starts anew."""
    try:
        yield
    except transfer.Unexpected as error:
        _remove(parts)
        was = "was not what was expected (a login page of the network, or a changed file) and is thrown away"
        raise DownloadError(f"What came as {job.title} {was}. Try again, or from another network. {STILL}") from error


def _remove(parts: list[Path]) -> None:
    for part in parts:
        part.unlink(missing_ok=True)


# Among processes


def _folder() -> Path:
    return data.data_dir() / ".downloads"


@contextlib.contextmanager
def _turn(name: str, tell: Tell) -> Iterator[bool]:
    """Wait until nobody else downloads ``name``, telling their progress; yields whether there was somebody."""
    followed = False
    while (lock := _take_lock(name)) is None:
        followed = True
        if (progress := _recorded(name)) and progress.phase not in ENDED:
            tell(progress)
        time.sleep(INTERVAL)
    try:
        yield followed
    finally:
        lock.release()


def _take_lock(name: str) -> Lock | None:
    try:
        _folder().mkdir(parents=True, exist_ok=True)
        return Lock(_folder() / f"{name}.lock")
    except BlockingIOError:
        return None
    except OSError as error:
        raise DownloadError(f"The data folder {data.data_dir()} is not writable ({error.strerror}). {STILL}") from error


def _record(name: str, progress: Progress) -> None:
    with contextlib.suppress(OSError):  # a full disk must not hide what the failure was
        atomic.write(_folder() / f"{name}.json", json.dumps(asdict(progress)).encode())


def _recorded(name: str) -> Progress | None:
    try:
        return Progress(**json.loads((_folder() / f"{name}.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None
