"""Pages are drawn one after the other, first come, first served, and not all at once.

Python runs one thread at a time. Ten pages that are drawn at once are all ready when the last one is; in a line, half
of them are there in half the time, and none later. Whoever takes long, for an attack or a training that is watched,
lets the next ones pass.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterator

LONG = 0.15  # seconds: a page takes 20 to 60 ms


class Turns:
    """A line of threads, of which the first one has its turn.

    Args:
        long: seconds after which a turn is over, whether what it was for is finished or not.
    """

    def __init__(self, long: float) -> None:
        self._long = long
        self._lock = threading.Lock()
        self._line: deque[threading.Event] = deque()  # set: its turn has come
        self._ends = 0.0
        self._own = threading.local()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and have it until the end of the block, or as long as a turn may be."""
        mine = self._own.turn = threading.Event()
        with self._lock:
            self._line.append(mine)
            if self._line[0] is mine:
                self._start()
        while not mine.wait(max(0.0, self._ends - time.perf_counter())):
            with self._lock:
                if not mine.is_set() and time.perf_counter() >= self._ends:
                    self._next()
        try:
            yield
        finally:
            self.over()

    def over(self) -> None:
        """End the turn of this thread, if it still has one: what follows takes long."""
        mine = getattr(self._own, "turn", None)
        with self._lock:
            if self._line and self._line[0] is mine:
                self._next()

    def _next(self) -> None:
        self._line.popleft()
        if self._line:
            self._start()

    def _start(self) -> None:
        self._ends = time.perf_counter() + self._long
        self._line[0].set()


TURNS = Turns(LONG)
