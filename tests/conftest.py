"""What all tests share: folders of their own, servers, and a CI that lets no test be skipped."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

# One thread a process, as the app has it: with more, tests that run beside others wait for one another in turns.
os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

ROOT = Path(__file__).resolve().parents[1]
ENTRY = str(ROOT / "streamlit_app.py")
COMMANDS = {
    "python": (sys.executable, ENTRY, "--port", "0"),
    "streamlit run": (sys.executable, "-m", "streamlit", "run", ENTRY, "--server.port", "0"),
}
START_SECONDS = 60
IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")


# The rules of a run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run browser tests last: they are slow, and Playwright leaves an event loop behind in the thread."""
    items.sort(key=lambda item: "browser" in item.path.parts)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    return failed_if_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    return failed_if_skipped((yield))


def failed_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> pytest.TestReport | pytest.CollectReport:
    """In CI everything is installed, so a skip there means that something is not tested any more."""
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason}\nNo test may be skipped in CI."
    return report


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep data and runs of the tests, and of the servers they start, out of the checkout.

    Trainings don't stand back behind the tests that wait for them.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_DATA", str(tmp_path_factory.mktemp("data")))
        patch.setenv("EXPLORER_RUNS", str(tmp_path_factory.mktemp("runs")))
        patch.setenv("EXPLORER_NICE", "0")
        yield


# Servers


@dataclass(frozen=True)
class Server:
    """A running app: where it answers, its process, and the file with what it has printed."""

    url: str
    process: subprocess.Popen
    log: Path


def announced(server: subprocess.Popen, log: Path) -> str:
    """Wait until the server is healthy; return the address that it printed."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        if found := re.search(r"http://[\w.]+:\d+", log.read_text()):
            with contextlib.suppress(OSError), urllib.request.urlopen(found[0] + "/_stcore/health", timeout=1):
                return found[0]
        time.sleep(0.05)
    raise AssertionError(f"not healthy after {START_SECONDS} s:\n{log.read_text()}")


@contextlib.contextmanager
def serving(command: tuple[str, ...], log: Path, cwd: Path) -> Iterator[Server]:
    """Run a server in the folder `cwd`, and stop it at the end. Ports are the system's choice, never taken."""
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=cwd, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield Server(announced(process, log), process, log)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that don't mind what happened to it before."""
    folder = tmp_path_factory.mktemp("server")
    with serving(COMMANDS["python"], folder / "log", folder) as running:
        yield running
    assert "Traceback" not in running.log.read_text()


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers that nobody has visited yet, by the name of a command, or by one whose log may hold errors."""
    number = itertools.count()
    with contextlib.ExitStack() as stack:
        clean = []

        def start(name: str = "python", command: tuple[str, ...] | None = None) -> Server:
            log = tmp_path / f"log{next(number)}"
            if command is None:
                clean.append(log)
            return stack.enter_context(serving(command or COMMANDS[name], log, tmp_path))

        yield start
    for log in clean:
        assert "Traceback" not in log.read_text()
