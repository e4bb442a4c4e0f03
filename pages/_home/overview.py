"""What the overview shows, kept in overview.json: so it is there before torch is, which takes seconds to load.

pictures.py and rows.py make it from the recorded runs, and make it anew where those are not the runs that the file was
made of.

python -m pages._home.overview      makes the file; a test holds it to the recorded runs
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import streamlit as st

from core import runs
from pages._shared.components.packing import plain

FILE = Path(__file__).with_suffix(".json")


@st.cache_resource(max_entries=1, show_spinner=False)
def shown() -> dict[str, Any]:
    """What ``made`` returns; shared by all viewers, never change it."""
    try:
        kept = json.loads(FILE.read_text("utf-8"))
        if kept["stamp"] == stamp():
            return kept
    except (OSError, ValueError, KeyError, TypeError):  # the file is gone or damaged
        pass
    return made()


def made() -> dict[str, Any]:
    """The ``pictures``, by page, and the ``rows`` of the table; and the ``stamp`` of the runs that they are made of."""
    from pages._home import pictures, rows

    return plain({
        "stamp": stamp(), "pictures": {page: pictures.of(page) for page in pictures.PICTURES}, "rows": rows.made(),
    })  # fmt: skip


def stamp() -> str:
    """Differs where the recorded runs do: their settings, metrics, checksums, or the lengths of their histories."""
    digest = hashlib.sha256()
    for file in sorted(runs.shipped_dir().glob("*/*/*")):
        if file.name in ("run.json", "history.jsonl"):
            content = file.read_bytes() if file.name == "run.json" else str(file.stat().st_size).encode()
            digest.update(f"{file.parent.name} ".encode() + content)
    return digest.hexdigest()


def write() -> None:
    """Make the file anew."""
    found = made()
    pictures = ",\n".join(f"{json.dumps(page)}: {_line(each)}" for page, each in found["pictures"].items())
    rows = ",\n".join(_line(row) for row in found["rows"])
    text = f'{{"stamp": "{found["stamp"]}",\n"pictures": {{{pictures}}},\n"rows": [{rows}]}}\n'
    FILE.write_text(text, "utf-8")


def _line(part: Any) -> str:
    return json.dumps(part, ensure_ascii=False)


if __name__ == "__main__":
    write()
