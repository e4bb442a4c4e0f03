"""A browser tab that is stopped: it asks, and never reads what it is sent. Nobody else may notice."""

from __future__ import annotations

import contextlib
import time

from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed

from tests.load.measure import resident
from tests.load.visitor import visiting

ASKS = 100  # times for a page of 2 MB
MOST_MIB = 120  # that the server may grow meanwhile
SECONDS = 10.0  # for a page to somebody else


def settled(pid: int) -> float:
    """The memory of a process that has just started, in MiB, once it has stood still for three seconds."""
    least, until, seen = time.monotonic() + 3, time.monotonic() + 60, resident(pid)
    while time.monotonic() < min(least, until):
        time.sleep(0.2)
        if abs(resident(pid) - seen) > 2:
            least, seen = time.monotonic() + 3, resident(pid)
    return seen


def test_a_stopped_tab_holds_up_nobody_and_fills_no_memory(server) -> None:
    with visiting(server.url) as other:
        other.open("gan")
        before = settled(server.process.pid)
        with visiting(server.url, ahead=1) as stopped:
            for _ in range(ASKS):
                asked = BackMsg()
                asked.rerun_script.page_name = "gan"
                with contextlib.suppress(ConnectionClosed):  # the server may give it up
                    stopped._socket.send(asked.SerializeToString())
                time.sleep(0.05)
            for page in ("classifier", "gan"):
                started = time.monotonic()
                other.open(page)
                assert time.monotonic() - started < SECONDS
            assert resident(server.process.pid) - before < MOST_MIB
        assert not other.wrong
    assert server.process.poll() is None
