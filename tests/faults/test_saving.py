"""Processes that end in the middle of saving, and disks that end before the file does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from core import runs

ROOT = Path(__file__).resolve().parents[2]
KILLED = 20

KILL = """
import itertools, json, os, random, signal, sys, time
from pathlib import Path
import torch
from core import runs
from core.runs import recorder
from core.classifier import Config
from core.locks import Lock

def save(path, told):
    lock = Lock(path / runs.WORKER_LOCK)
    writer = recorder.Recorder(path, "classifier", Config())
    writer.update(status="running")
    for step in itertools.count():
        writer.append({"step": step, "loss": 1.0, "seconds": 0.0})
        writer.snapshot(step, {"weight": torch.full((200, 100), float(step))})
        os.write(told, b"%d\\n" % step)

found, delays = [], random.Random(1)
for round in range(int(sys.argv[2])):
    path = Path(sys.argv[1], "classifier", f"run{round}")
    recorder.create(path, "classifier", Config()).release()
    reads, told = os.pipe()
    child = os.fork()
    if not child:
        save(path, told)
    os.close(told)
    first = os.read(reads, 1000)
    time.sleep(delays.uniform(0, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while piece := os.read(reads, 1000):
        first += piece
    os.close(reads)
    run = runs.read(path)
    weights = [run.weights(step)["weight"] for step in run.steps]
    found.append({"status": run.status, "told": int(first.split()[-1]), "steps": run.steps,
                  "history": [record["step"] for record in run.history()],
                  "whole": [bool((values == step % 2048).all()) for step, values in zip(run.steps, weights)]})
print(json.dumps(found))
"""


def script(source: str, *arguments: object) -> str:
    """What a program prints that runs from the project's folder."""
    command = [sys.executable, "-c", source, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_twenty_processes_killed_while_saving_leave_nothing_torn_and_lose_nothing(tmp_path: Path) -> None:
    found = json.loads(script(KILL, tmp_path, KILLED))
    assert len(found) == KILLED
    for run in found:
        assert run["status"] == "interrupted"
        assert run["steps"] == list(range(len(run["steps"])))
        assert run["steps"][-1] >= run["told"]  # all that was reported as saved is there
        assert run["history"][: run["told"] + 1] == list(range(run["told"] + 1))
        assert all(run["whole"])
    assert len({run["told"] for run in found}) > 1  # they were not all killed at the same place


LIMITED = """
import resource, signal, sys
from pathlib import Path
from core import atomic, runs
from core.runs import recorder
from core.classifier import Config
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = Path(sys.argv[1], "classifier", "one")
recorder.create(path, "classifier", Config(dataset="mnist", images=640, epochs=1))
old = path.with_name("old")
atomic.write(old, b"before")
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    atomic.write(old, b"after" * 1_000_000)
except OSError as error:
    print(old.read_bytes().decode(), error.strerror)
print(recorder.perform(path).status)
"""


def test_a_file_that_does_not_fit_leaves_the_old_one_and_a_run_that_says_why(tmp_path: Path) -> None:
    """In 5 kB there is room for the history, not for the weights."""
    assert script(LIMITED, tmp_path, 5_000).split("\n")[:2] == ["before File too large", "failed"]
    run = runs.read(tmp_path / "classifier/one")
    assert (run.status, run.reason) == ("failed", "A file could not be read or written: File too large.")
    assert run.steps == []
    assert [record["step"] for record in run.history()] == [0, 0]
    assert list(tmp_path.rglob("*.part")) == []
