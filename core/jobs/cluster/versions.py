"""Whether a worker has the same code as who asks it: else its numbers might be others."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import core

LAB = Path(core.__file__).resolve().parent


class OtherVersion(RuntimeError):
    """A worker has not the same code as who asks it."""


def differ(theirs: Mapping[str, str], ours: Mapping[str, str]) -> str:
    """Which parts of two versions differ, in words."""
    return ", ".join(f"{part} {theirs[part]} and not {ours[part]}" for part in ours if theirs[part] != ours[part])


@cache
def version() -> dict[str, str]:
    """What has to be the same on both sides: torch, and all code of core, as a digest."""
    digest = hashlib.sha256()
    for file in sorted(LAB.rglob("*.py")):
        digest.update(f"{file.relative_to(LAB)}\0{file.read_text('utf-8')}\0".encode())
    return {"code": digest.hexdigest()[:12], "torch": importlib.metadata.version("torch")}
