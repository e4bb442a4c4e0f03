"""Locks on files: who holds one is alive. The system lets go of them when a process ends, however it ends.

A process number in a file would not do: numbers are used again, and mean nothing on another machine.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Lock:
    """An exclusive lock on a file, held from creation until ``release()`` or the end of the process.

    Raises:
        BlockingIOError: somebody holds it already, or another file has just come to lie at this path.
    """

    def __init__(self, path: Path):
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(self._descriptor), os.stat(path)):
                raise BlockingIOError(f"{path} was replaced.")
        except OSError:
            os.close(self._descriptor)
            raise

    def release(self) -> None:
        """Let go of the lock; its file stays."""
        os.close(self._descriptor)


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock on this file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
