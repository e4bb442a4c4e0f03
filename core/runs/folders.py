"""Run folders as zip files, to take home and to bring along: packed, and unpacked after everything in them is checked.

A file from elsewhere may be damaged, or made to harm. So only names that a run folder has are unpacked, no more bytes
than a run has, into a folder beside the runs; and only a run whose files are those that its run.json vouches for moves
in among them, under the name that its settings give it, where there is none of that name yet.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from core import runs
from core.runs import Run, RunError, likeness, recorder

MOST_FILES = 2_000
MOST_BYTES = 100 * 1024**2  # unpacked
MOST_PACKED = 10 * 1024**2  # as the server takes it
FILE = re.compile(r"(run\.json|history\.jsonl|(snapshots|samples)/\d{1,12}\.(safetensors|png|txt))")


@dataclass(frozen=True)
class Brought:
    """A run that was in a zip file, as it lies among the runs now."""

    run: Run
    known: bool  # it was here already, and stayed as it was
    differs: int | None = None  # the first step at which what was brought has other numbers than what is here


def pack(run: Run) -> bytes:
    """The whole run folder as a zip file, but for its lock files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(run.path.rglob("*")):
            if file.is_file() and not file.name.startswith("."):
                archive.write(file, f"{run.name}/{file.relative_to(run.path)}")
    return packed.getvalue()


def unpack(content: bytes) -> Brought:
    """Put the run of a zip file, as ``pack`` makes it, among one's own.

    Raises:
        RunError: it holds no run, or one that is damaged or not what it says; a sentence says which. Nothing is left.
        OSError: there is no room for it, say.
    """
    root = runs.runs_dir()
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".brought-", dir=root) as folder:
        run = _checked(_extract(content, Path(folder)))
        if (here := runs.of(run.topic, recorder.config_of(run))) is not None:
            return Brought(here, True, runs.first_difference(here, run))
        recorder.mark(run.path, brought="as a file")
        place = root / run.topic / run.name
        place.parent.mkdir(exist_ok=True)
        try:
            os.rename(run.path, place)
        except OSError as error:
            if error.errno not in recorder.TAKEN:
                raise
            raise RunError(f"There is a folder called {run.name} already, which is no run.") from error
        return Brought(runs.read(place), False)


def _extract(content: bytes, folder: Path) -> Path:
    """Unpack into a folder; returns that of the run in it."""
    if len(content) > MOST_PACKED:
        raise RunError(f"The file is larger than {MOST_PACKED // 1024**2} MB.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = [info for info in archive.infolist() if not info.is_dir()]
            name = _name(files)
            left = MOST_BYTES
            for info in files:
                target = folder / name / info.filename.removeprefix(f"{name}/")
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as packed:
                    unpacked = packed.read(left + 1)
                left -= len(unpacked)
                if left < 0:
                    raise RunError(f"Unpacked, it has more than {MOST_BYTES // 1024**2} MB.")
                target.write_bytes(unpacked)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        if isinstance(error, RunError):
            raise
        raise RunError("It is no zip file, or a damaged one.") from error
    return folder / name


def _name(files: list[zipfile.ZipInfo]) -> str:
    """The name of the one folder in which all files lie, none of which may have a name that no run has."""
    if not 0 < len(files) <= MOST_FILES:
        raise RunError(f"It has {len(files)} files, and a run folder has 1 to {MOST_FILES}.")
    name = files[0].filename.partition("/")[0]
    if not runs.NAME.fullmatch(name):
        raise RunError("It holds no folder with the name of a run.")
    for info in files:
        folder, _, file = info.filename.partition("/")
        if folder != name or not FILE.fullmatch(file):
            raise RunError(f"It holds {info.filename[:80]!r}, which is no file of the run {name[:80]}.")
    if len({info.filename for info in files}) < len(files):
        raise RunError("It holds a file twice.")
    return name


def _checked(path: Path) -> Run:
    """The run in a folder if it has ended, is what it says, and is whole."""
    run = runs.read(path)
    config = recorder.config_of(run)
    if run.status != "done":
        raise RunError(f"The run {run.name} is {run.status}: only those that are done can be brought.")
    likeness.check(run, config)
    if (name := runs.run_name(run.topic, config)) != run.name:
        raise RunError(f"The name of {run.name} is not that of its settings, {name}.")
    there = {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}
    if odd := there - {"run.json", "history.jsonl"} ^ run.checksums.keys():
        raise RunError(f"{run.name} is not whole: {min(odd)} is missing, or nothing vouches for it.")
    for step in run.steps:
        run.weights(step)
    for step in run.samples:
        likeness.check_sample(run, run.sample(step))
    return run
