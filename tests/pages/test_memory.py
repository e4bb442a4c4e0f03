"""What the process does to stay small."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable
from functools import cache, lru_cache, partial
from pathlib import Path
from unittest.mock import Mock

import pytest
import streamlit as st

from core import runs
from pages._shared.server import memory

ROOT = Path(__file__).resolve().parents[2]
KEPT = 600  # seconds that .streamlit/config.toml keeps a session
THREADS = 12
THREADED = """
import ctypes, sys, threading
from pages._shared.server import memory
if sys.argv[1] == "few":
    memory.few_arenas()
together = threading.Barrier(int(sys.argv[2]))
def draw():
    together.wait()
    bytes(600)
    together.wait()
threads = [threading.Thread(target=draw) for _ in range(together.parties)]
for each in threads: each.start()
for each in threads: each.join()
ctypes.CDLL(None).malloc_stats()
"""
glibc = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_stats"), reason="arenas are glibc's")


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch):
    """Looks at a hall, (seconds, viewers) each, and says after which of them it counts as left."""

    def look(*looks: tuple[float, int]) -> list[int]:
        hall, found = memory.Hall(), []
        for number, (seconds, viewers) in enumerate(looks):
            monkeypatch.setattr(memory, "time", Mock(**{"monotonic.return_value": seconds}))
            monkeypatch.setattr(memory, "is_empty", Mock(return_value=not viewers))
            if hall.is_left():
                found.append(number)
        return found

    monkeypatch.setattr(memory.config, "get_option", {"server.disconnectedSessionTTL": KEPT}.get)
    return look


def test_a_hall_is_left_once_nobody_can_come_back(left: Callable) -> None:
    assert left((0, 1), (KEPT + 1, 1), (1000, 0), (999 + KEPT, 0), (1000 + KEPT, 0), (2000 + KEPT, 0)) == [4]


def test_it_is_left_again_after_somebody_has_been_there(left: Callable) -> None:
    assert left((0, 0), (KEPT, 0), (KEPT + 1, 1), (KEPT + 2, 0), (2 * KEPT + 2, 0)) == [1, 4]


def test_bounded_caches_are_forgotten_and_what_is_there_once_for_all_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    worked_out = []

    @st.cache_resource
    def shown() -> None:
        worked_out.append("shown")

    read = lru_cache(maxsize=1)(partial(worked_out.append, "read"))
    connected = cache(partial(worked_out.append, "connected"))
    for number, each in enumerate((shown, read, connected)):
        monkeypatch.setattr(runs, f"cached_by_a_test_{number}", each, raising=False)
    for _ in range(2):
        shown(), read(), connected()
        memory.forget()
    assert worked_out == ["shown", "read", "connected", "shown", "read"]


@glibc
def test_threads_share_two_parts_of_the_heap() -> None:
    def parts(how: str) -> int:
        command = [sys.executable, "-c", THREADED, how, str(THREADS)]
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return told.stderr.count("Arena")

    assert parts("few") == memory.ARENAS < parts("many")
