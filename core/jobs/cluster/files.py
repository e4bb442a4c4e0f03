"""The files of a run on their way to a worker and back: name → content, since nobody shares storage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core import atomic, runs


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
    """Write down what ``tasks.news`` told of a run, and add them to what is known."""
    with open(folder / "history.jsonl", "ab") as history:
        history.write(files.get("history.jsonl", b""))
    write({name: content for name, content in files.items() if name != "history.jsonl"}, folder)
    for name, content in files.items():
        known[name] = known.get(name, 0) + len(content)
