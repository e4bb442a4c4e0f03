"""Pages are drawn one after the other, and nobody waits long for one that takes its time."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from pages._shared.server.turns import Turns

ENDLESS = 60.0


class Line:
    """Threads that come one after the other, each when the one before it stands in the line."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.pool = ThreadPoolExecutor(16)
        self.order: list[int] = []

    def come(self, number: int, do: Callable[[], object] = lambda: None):
        before = {*self.turns._line}

        def act() -> None:
            with self.turns.turn():
                self.order.append(number)
                do()

        future = self.pool.submit(act)
        end = time.monotonic() + 10
        while {*self.turns._line} <= before and number not in self.order and time.monotonic() < end:
            time.sleep(0.001)
        return future


def test_who_comes_first_is_served_first_and_alone():
    line, go = Line(Turns(ENDLESS)), threading.Event()
    futures = [line.come(0, lambda: go.wait(10))] + [line.come(i) for i in range(1, 10)]
    assert line.order == [0]
    go.set()
    for future in futures:
        future.result(10)
    assert line.order == [*range(10)]


def test_a_long_turn_lets_the_others_pass_and_costs_each_nothing_more():
    line, go = Line(Turns(0.05)), threading.Event()
    first = line.come(0, lambda: go.wait(10))
    started = time.monotonic()
    for future in [line.come(i) for i in range(1, 6)]:
        future.result(10)
    assert time.monotonic() - started < 5 and not first.done()
    assert line.order[0] == 0 and sorted(line.order) == [*range(6)]  # a turn may be over before it is written down
    go.set()
    first.result(10)
    line.come(6).result(10)  # the end of a turn that was over ended no other


def test_who_says_that_it_is_over_holds_nobody_up():
    turns = Turns(ENDLESS)
    line, go = Line(turns), threading.Event()
    first = line.come(0, lambda: (turns.over(), go.wait(10)))
    line.come(1).result(10)
    assert not first.done()
    go.set()
    first.result(10)
    assert not turns._line


def test_a_turn_that_ends_in_an_error_is_over():
    turns = Turns(ENDLESS)
    with pytest.raises(RuntimeError, match="page"), turns.turn():
        raise RuntimeError("page")
    with turns.turn():
        pass
    turns.over()  # without a turn: nothing happens
    assert not turns._line


def test_many_threads_at_once_all_have_their_turn():
    """Turns that are over nearly at once: whoever wakes up late finds the line as it is then."""
    turns, had = Turns(0.0005), []
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(24) as pool:
            for future in [pool.submit(_turn, turns, had) for _ in range(600)]:
                future.result(30)
    finally:
        sys.setswitchinterval(interval)
    assert len(had) == 600 and not turns._line


def _turn(turns: Turns, had: list[int]) -> None:
    with turns.turn():
        had.append(len(had))
        time.sleep(0.0002)


def test_who_wakes_up_late_does_not_end_its_own_turn(monkeypatch: pytest.MonkeyPatch):
    class Late(threading.Event):
        """Its first wait times out, though it is set by then."""

        def wait(self, timeout: float | None = None) -> bool:
            late, self.waited = not hasattr(self, "waited"), True
            return False if late else super().wait(timeout)

    monkeypatch.setattr(threading, "Event", Late)
    turns = Turns(0.0)
    with turns.turn():
        assert len(turns._line) == 1
    assert not turns._line
