"""A warm process that trains one run after another: ``python -m core.jobs.worker``, started and fed by core/jobs.

It warms up until a first path comes, says ``ready``, reads the path of a run a line, and answers ``done`` when that run
has ended. It ends with the process that started it, at once, however that one ends: its standard input closes.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from core import data, limits, runs
from core.jobs import warm
from core.runs import recorder


def main() -> None:
    """Train until standard input closes."""
    stand_back()
    paths: queue.Queue[Path] = queue.Queue()
    threading.Thread(target=_read_paths, args=(paths,), daemon=True).start()
    for step in warm_up():
        if paths.empty():  # else somebody waits: what the training needs, it loads itself
            step()
    print("ready", flush=True)
    while True:
        with contextlib.suppress(runs.RunError, OSError):  # the folder was removed, say: nothing to record it in
            path = paths.get()
            os.environ["EXPLORER_RUNS"] = str(path.parents[1])  # the runs that it builds on lie beside it
            recorder.perform(path)
        print("done", flush=True)


def warm_up() -> Iterator[Callable[[], object]]:
    """What a worker does before its first training, so that this starts at once."""
    yield from (warm.inference, warm.training)
    yield from (partial(recorder.lab, topic) for topic in recorder.TOPICS)
    yield warm.layouts
    yield from (partial(data.load, name) for name in data.names() if data.decoded(name))


def stand_back() -> None:
    """Let viewers come first: a lower priority, also where Linux weighs sessions of processes and not processes.

    By 10, or what ``EXPLORER_NICE`` says, a whole number from 0 to 19. Of a session that others started, a terminal
    say, the weight stays: it is theirs as well.
    """
    nice = limits.number("EXPLORER_NICE", 10, 0, 19)
    os.nice(nice)
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(nice))


def _read_paths(paths: queue.Queue[Path]) -> None:
    for line in sys.stdin:
        paths.put(Path(line.rstrip("\n")))
    os._exit(0)


if __name__ == "__main__":
    main()
