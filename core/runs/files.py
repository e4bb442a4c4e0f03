"""The files of a run beside its run.json: which there are, and what is in them, checked. Read through core/runs."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

MOST_BYTES = 512 * 1024**2  # of a file of weights or samples: what is larger is not read
KEPT = {"snapshots": "The weights", "samples": "The samples"}  # in messages


class RunError(ValueError):
    """A run folder cannot be read, or does not fit what was asked; the message says why in a sentence."""


def kept(path: Path, names: tuple[str, ...]) -> dict[str, dict[int, Path]]:
    """Folder → step → file: of these files below the run's path, those that are there."""
    return _kept(path, names, tuple(_changed(path / folder) for folder in KEPT))


@lru_cache(maxsize=256)
def _kept(path: Path, recorded: tuple[str, ...], changed: tuple[int, ...]) -> dict[str, dict[int, Path]]:
    """``changed``: when the folders were, so that they are looked through again then."""
    found: dict[str, dict[int, Path]] = {folder: {} for folder in KEPT}
    there = {folder: set(names(path / folder)) for folder in KEPT}
    for name in recorded:
        folder, _, file = name.rpartition("/")
        step = file.partition(".")[0]
        if file in there.get(folder, ()) and step.isdecimal():
            found[folder][int(step)] = path / folder / file
    return found


def _changed(folder: Path) -> int:
    """When files came to a folder or went, in nanoseconds; 0 if it is not there."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


def names(folder: Path) -> list[str]:
    """What lies in a folder; nothing if it cannot be read."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def history(file: Path) -> list[dict[str, Any]]:
    """The progress records so far. A torn last line (the writer was killed, or is just writing) is left out.

    Raises:
        RunError: another line is damaged.
    """
    try:
        stat = file.stat()
    except FileNotFoundError:
        return []
    return _history(file, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=128)
def _history(file: Path, size: int, written: int) -> list[dict[str, Any]]:
    """The whole lines of a history. Size and time of writing are arguments so that a longer file is read again."""
    try:
        lines = file.read_bytes()[:size].split(b"\n")[:-1]
        records = [json.loads(line) for line in lines]
        if not all(isinstance(record, dict) for record in records):
            raise ValueError("a line is no record")
        return records
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"The history of {file.parent.name} cannot be read ({error}).") from error


def weights(path: Path, file: Path, checksums: Mapping[str, str]) -> dict:
    """The weights in a file below the run's path, as float32 tensors.

    Raises:
        RunError: the file is damaged, or not the one that was recorded.
    """
    from safetensors import SafetensorError

    from core.runs.weights import unpack

    content = checked(path, file, checksums)
    try:
        return unpack(content)
    except (SafetensorError, ValueError) as error:
        raise RunError(f"The weights {file.name} of {path.name} cannot be read ({error}).") from error


def checked(path: Path, file: Path, checksums: Mapping[str, str]) -> bytes:
    """The content of a file below the run's path.

    Raises:
        RunError: it cannot be read, or is not the one that was recorded.
    """
    name = file.relative_to(path).as_posix()
    what = f"{KEPT[name.partition('/')[0]]} {file.name} of {path.name}"
    try:
        if file.stat().st_size > MOST_BYTES:
            raise OSError(f"larger than {MOST_BYTES // 1024**2} MB")
        content = file.read_bytes()
    except OSError as error:
        raise RunError(f"{what} cannot be read ({error}).") from error
    if checksums.get(name) != hashlib.sha256(content).hexdigest():
        raise RunError(f"{what} are not those that were recorded.")
    return content
