"""Arrays for the browser: their bytes as text, which a component unpacks with ``atob``."""

from __future__ import annotations

import base64

import numpy as np


def packed(values: np.ndarray, kind: type | str) -> str:
    """The values as numbers of this kind (not rounded), row by row, in base64."""
    return base64.b64encode(np.ascontiguousarray(np.asarray(values).astype(kind)).tobytes()).decode("ascii")
