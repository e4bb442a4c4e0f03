"""What a component gets: files of scripts and styles as one text, its data as bytes, arrays among them as text.

Data go as bytes, JSON that is encoded here, and not as the dict that a component could take as well: Streamlit encodes
that twice at every run of a page, and what all viewers see alike need not be encoded more than once.
"""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SCRIPT = Path(__file__).parent / "packing.js"  # for every component that gets its data from ``told``


@dataclass(frozen=True)
class Encoded:
    """A part of the data that is JSON already."""

    json: str


def joined(*files: Path) -> str:
    """The text of the files, as one."""
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def packed(values: np.ndarray, kind: type | str) -> str:
    """The values as numbers of this kind (not rounded), row by row, in base64; ``bytes`` in packing.js unpacks them."""
    return base64.b64encode(np.ascontiguousarray(np.asarray(values).astype(kind)).tobytes()).decode("ascii")


def encoded(value: Any) -> Encoded:
    """A part of the data, encoded to be sent many times."""
    return value if isinstance(value, Encoded) else Encoded(json.dumps(plain(value)))


def told(data: dict[str, Any]) -> bytes:
    """The data of a component, for ``told`` in packing.js. Its values may be ``Encoded``."""
    parts = ",".join(f"{json.dumps(name)}:{encoded(part).json}" for name, part in data.items())
    return f"{{{parts}}}".encode()


def plain(value: Any) -> Any:
    """The same as JSON knows it: lists for arrays, Python's numbers for NumPy's, None for NaN and infinity."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value
