"""What the process does to stay small."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest
import streamlit as st

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
def looks(monkeypatch: pytest.MonkeyPatch):
    """Looks at a hall: (seconds, viewers) each; returns how often something cached had been worked out after each."""
    worked_out = []

    @st.cache_resource
    def cached() -> int:
        worked_out.append(1)
        return len(worked_out)

    cached.clear()

    def look(*looks: tuple[float, int]) -> list[int]:
        hall, found = memory.Hall(), []
        for seconds, viewers in looks:
            monkeypatch.setattr(memory, "time", Mock(**{"monotonic.return_value": seconds}))
            monkeypatch.setattr(memory, "is_empty", Mock(return_value=not viewers))
            hall.look()
            found.append(cached())
        return found

    monkeypatch.setattr(memory.config, "get_option", {"server.disconnectedSessionTTL": KEPT}.get)
    return look


def test_an_empty_hall_forgets_what_it_can_work_out_again(looks: Callable) -> None:
    assert looks((0, 1), (KEPT + 1, 1), (1000, 0), (999 + KEPT, 0), (1000 + KEPT, 0)) == [1, 1, 1, 1, 2]


def test_who_comes_back_in_time_finds_it_all(looks: Callable) -> None:
    assert looks((0, 0), (KEPT - 1, 1), (KEPT, 0), (KEPT + 1, 0)) == [1, 1, 1, 1]


@glibc
def test_threads_share_two_parts_of_the_heap() -> None:
    def parts(how: str) -> int:
        command = [sys.executable, "-c", THREADED, how, str(THREADS)]
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return told.stderr.count("Arena")

    assert parts("few") == memory.ARENAS < parts("many")
