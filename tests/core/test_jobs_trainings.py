"""core/jobs, with real workers: the same numbers as alone, fair turns, and no way for one training to harm another."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from core import runs
from core.classifier import Config
from core.jobs import trainings
from core.jobs.trainings import Queue, QueueFull
from core.locks import Lock
from core.runs import Run, recorder

ROOT = Path(__file__).parents[2]
PATIENCE = 60  # seconds until a test gives up


def wait_for(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """The first true answer; fails after so many seconds without one."""
    until = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < until, f"still waiting after {seconds} s"
        time.sleep(0.02)
    return answer


def config(seed: int, epochs: int = 1) -> Config:
    return Config(dataset="mnist", images=640, epochs=epochs, seed=seed)


def endless(seed: int) -> Config:
    """A training that lasts longer than any test."""
    return config(seed, epochs=100)


@pytest.fixture(scope="module")
def workers(tmp_path_factory) -> Iterator[Queue]:
    """A queue with two warm workers, shared because importing torch twice costs seconds."""
    queue = Queue(slots=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_RUNS", str(tmp_path_factory.mktemp("warm")))
        queue.submit("classifier", [config(1), config(2)], "warm")
        wait_for(lambda: not queue.active("warm"))
    yield queue
    queue.shut_down()
    assert all(gone(worker._process.pid) for worker in queue._workers)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """Empty folders for one's own runs (the one returned) and for shipped ones."""
    monkeypatch.setenv("EXPLORER_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(runs, "shipped_dir", lambda: tmp_path / "checkpoints")
    return tmp_path / "runs/classifier"


def empty(queue: Queue) -> None:
    """Stop what is left and wait until it has ended."""
    for job in list(queue._jobs.values()):
        queue.stop(job.name, job.owner)
    wait_for(lambda: not queue._jobs)


@pytest.fixture
def queue(workers, home) -> Iterator[Queue]:
    """The shared queue, with nothing in it."""
    yield workers
    empty(workers)


@pytest.fixture
def idle(home, monkeypatch) -> Iterator[Queue]:
    """A queue without workers, in which everything waits."""
    queue = Queue(slots=1)
    monkeypatch.setattr(queue, "warm_up", lambda: None)
    yield queue
    empty(queue)


def submit(queue: Queue, owner: str, *configs: Config) -> list[str]:
    return queue.submit("classifier", list(configs), owner)


def begun(name: str) -> Run:
    """The run, once it has its first record and weights."""
    wait_for(lambda: recorded(name) and runs.find(name).steps)
    return runs.find(name)


def ended(name: str) -> Run:
    wait_for(lambda: not runs.find(name).active)
    return runs.find(name)


def recorded(name: str) -> list[dict]:
    """The history without what the clock says; every line must be whole, and later than the one before."""
    history = [{**record, "seconds": None} for record in runs.find(name).history()]
    order = [(record["step"], "test_accuracy" in record) for record in history]  # before the first step there are two
    assert order == sorted(set(order))
    return history


def worker_of(queue: Queue, name: str) -> int:
    """The process that trains a run."""
    return next(w._process.pid for w in queue._workers if w.path and w.path.name == name)


def processes(queue: Queue) -> set[int]:
    return {worker._process.pid for worker in queue._workers}


def gone(pid: int) -> bool:
    """Whether a process has ended, even if nobody has asked for its exit status yet."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except ProcessLookupError:
        return True
    except FileNotFoundError:  # no /proc on this system, or it ended just now
        return False


# The same numbers

ALONE = """
import sys
from pathlib import Path
from core.runs import recorder
from core.classifier import Config
for seed in (1, 2):
    path = Path(sys.argv[1], str(seed))
    queued = recorder.create(path, "classifier", Config(dataset="mnist", images=640, epochs=2, seed=seed))
    print(recorder.perform(path).status)
    queued.release()
"""


def test_two_at_once_give_bit_for_bit_what_each_gives_alone(queue, home):
    names = submit(queue, "me", config(1, epochs=2), config(2, epochs=2))
    wait_for(lambda: all(runs.find(name).status == "running" for name in names))
    assert {ended(name).status for name in names} == {"done"}

    alone = [sys.executable, "-W", "error", "-c", ALONE, str(home)]
    assert subprocess.run(alone, cwd=ROOT, check=True, capture_output=True).stdout == b"done\ndone\n"
    for name, other in zip(names, "12", strict=True):
        assert recorded(name) == recorded(other)
        assert len(recorded(name)) == 4
        for fact in ("metrics", "checksums", "config", "data", "environment"):
            assert getattr(runs.find(name), fact) == getattr(runs.find(other), fact)
    assert recorded(names[0]) != recorded(names[1])


def test_training_again_leaves_the_first_alone_and_gives_the_same(queue, home):
    (name,) = submit(queue, "me", config(3))
    first = ended(name)
    wait_for(lambda: not queue.active("me"))
    before = (home / name / "run.json").read_bytes()
    assert queue.submit("classifier", [config(3)], "me", again=True) == [f"{name}.again"]
    second = ended(f"{name}.again")
    assert (home / name / "run.json").read_bytes() == before
    assert runs.first_difference(first, second) is None
    assert (second.metrics, second.checksums) == (first.metrics, first.checksums)


# Turns


def test_the_third_waits_and_shows_its_place(queue):
    a, b, c, d = (submit(queue, owner, endless(seed))[0] for seed, owner in enumerate("abcd"))
    begun(a)
    begun(b)
    assert [queue.place(name) for name in (a, b, c, d)] == [0, 0, 1, 2]
    assert [runs.find(name).status for name in (a, b, c, d)] == ["running", "running", "queued", "queued"]
    assert queue.place("no such run") == 0
    queue.stop(c, "c")
    stopped = runs.find(c)
    assert (stopped.status, stopped.reason, stopped.history()) == ("stopped", "Stopped by its viewer.", [])
    assert [queue.place(name) for name in (c, d)] == [0, 1]
    queue.stop(b, "b")
    begun(d)
    assert queue.place(d) == 0
    assert [runs.find(name).status for name in (a, b, c, d)] == ["running", "stopped", "stopped", "running"]


def test_a_stop_takes_effect_soon_and_the_worker_goes_on(queue):
    before = processes(queue)
    (name,) = submit(queue, "me", endless(4))
    begun(name)
    queue.stop(name, "me")
    run = ended(name)  # it obeyed: else it would be interrupted
    assert (run.status, run.reason, run.metrics) == ("stopped", "Stopped by its viewer.", {})
    assert run.weights().keys() >= {"1.weight", "8.bias"}
    (following,) = submit(queue, "me", config(5))
    assert ended(following).status == "done"
    assert processes(queue) == before


def test_only_who_started_a_run_may_stop_it_unless_gone(queue, monkeypatch):
    (name,) = submit(queue, "me", endless(6))
    queue.watch(name, "other")
    assert (queue.may_stop(name, "me"), queue.may_stop(name, "other")) == (True, False)
    queue.stop(name, "other")
    queue.stop(name, "nobody")
    assert queue._jobs[name].stopping is None
    queue._jobs[name].watchers["me"] -= trainings.STARTER_GONE
    assert queue.may_stop(name, "other")
    queue.watch(name, "me")
    assert not queue.may_stop(name, "other")
    queue._jobs[name].watchers["me"] -= trainings.STARTER_GONE
    queue.stop(name, "other")
    assert ended(name).status == "stopped"
    wait_for(lambda: not queue.may_stop(name, "me"))
    queue.stop(name, "me")  # nothing to stop any more
    queue.stop("no such run", "me")


def test_who_asks_for_the_same_joins(idle, home):
    assert submit(idle, "me", config(1)) == submit(idle, "other", config(1)) == submit(idle, "me", config(1))
    (name,) = submit(idle, "other", config(1))
    assert [path.name for path in home.iterdir()] == [name]
    assert (idle.active("me"), idle.active("other")) == ([name], [])
    assert (idle.place(name), len(idle._waiting)) == (1, 1)
    submit(idle, "me", config(2))  # the starter leaves, the other one still watches
    assert runs.find(name).status == "queued"
    submit(idle, "other", config(2))
    assert (runs.find(name).status, runs.find(name).reason) == ("stopped", "Another training was started in its place.")


def test_a_pair_is_one_request(idle):
    pair = submit(idle, "me", config(1), config(2))
    assert idle.active("me") == pair
    assert [idle.place(name) for name in pair] == [1, 2]
    other = submit(idle, "me", config(2), config(3))
    assert idle.active("me") == other
    assert other[0] == pair[1]
    assert [runs.find(name).status for name in (*pair, other[1])] == ["stopped", "queued", "queued"]
    assert submit(idle, "me", config(4), config(4)) == [runs.run_name("classifier", config(4))] * 2
    assert len(idle.active("me")) == 1


def test_a_running_training_gives_way_to_the_next_of_the_same_session(queue):
    (first,) = submit(queue, "me", endless(7))
    (watched,) = submit(queue, "somebody", endless(8))
    begun(first)
    begun(watched)
    queue.watch(watched, "me")
    (second,) = submit(queue, "me", endless(9))
    run = ended(first)
    assert (run.status, run.reason) == ("stopped", "Another training was started in its place.")
    begun(second)
    assert runs.find(watched).status == "running"
    assert (queue.active("me"), queue.active("somebody")) == ([second], [watched])


def put(home: Path, status: str) -> str:
    """A run of config(1) that lies there in this status; returns its name."""
    name = runs.run_name("classifier", config(1))
    (home / name).mkdir(parents=True)
    recorder.Recorder(home / name, "classifier", config(1)).update(status=status, reason="of old")
    return name


def test_what_is_recorded_already_is_not_trained(idle, home):
    name = put(home, "done")
    before = (home / name / "run.json").read_bytes()
    assert submit(idle, "me", config(1)) == [name]
    assert idle.active("me") == []
    assert (home / name / "run.json").read_bytes() == before


@pytest.mark.parametrize("status", ["stopped", "failed", "diverged", "interrupted", "running", "queued"])
def test_what_did_not_end_well_is_trained_anew(status, idle, home):
    name = put(home, status)
    assert submit(idle, "me", config(1)) == idle.active("me") == [name]
    assert (runs.find(name).status, runs.find(name).reason) == ("queued", "")


@pytest.mark.parametrize("damage", ["{", ""])
def test_an_unreadable_run_is_trained_anew(damage, idle, home):
    name = put(home, "done")
    (home / name / "run.json").write_text(damage)
    assert submit(idle, "me", config(1)) == idle.active("me") == [name]
    assert runs.find(name).status == "queued"


@pytest.mark.parametrize("status, lock", [("queued", runs.QUEUE_LOCK), ("running", runs.WORKER_LOCK)])
def test_what_another_process_trains_is_left_to_it(status, lock, idle, home):
    name = put(home, status)
    held = Lock(home / name / lock)
    assert submit(idle, "me", config(1)) == [name]
    assert idle.active("me") == []
    assert (runs.find(name).status, runs.find(name).reason) == (status, "of old")
    held.release()


def test_a_full_queue_says_so_and_keeps_what_it_has(idle, home, monkeypatch):
    monkeypatch.setattr(idle, "most_waiting", 1)
    names = [submit(idle, owner, config(seed))[0] for seed, owner in enumerate("ab")]
    with pytest.raises(QueueFull, match=r"^The queue is full, with 0 trainings running and 2 waiting: .*\.$"):
        submit(idle, "c", config(2))
    assert sorted(path.name for path in home.iterdir()) == sorted(names)
    assert submit(idle, "c", config(0)) == [names[0]]  # joining takes no place
    idle.stop(names[1], "b")
    assert idle.place(submit(idle, "c", config(2))[0]) == 1 + idle.place(names[0])


# Limits


def test_a_run_that_nobody_watches_is_stopped_and_a_watched_one_is_not(queue, monkeypatch):
    monkeypatch.setattr(trainings, "LEASE", 5.0)
    (left,), (watched,) = submit(queue, "me", endless(10)), submit(queue, "other", endless(11))

    def left_ended() -> bool:
        queue.watch(watched, "other")
        return not runs.find(left).active

    wait_for(left_ended)
    assert (runs.find(left).status, runs.find(left).reason) == (
        "stopped", "Stopped because nobody watched it for five minutes."
    )  # fmt: skip
    assert runs.find(watched).status == "running"


def test_a_waiting_run_that_nobody_watches_is_stopped_too(idle, monkeypatch):
    (name,) = submit(idle, "me", config(1))
    idle.watch(name, "other")
    job = idle._jobs[name]
    for owner, ago, status in (("me", 400, "queued"), ("other", 299, "queued"), ("other", 301, "stopped")):
        job.watchers[owner] = time.monotonic() - ago
        idle._look_after(job)
        assert runs.find(name).status == status
    assert idle.active("me") == []


def test_sessions_may_come_while_the_queue_looks_after_a_run(idle):
    (name,) = submit(idle, "me", config(1))
    job, ended = idle._jobs[name], []
    job.watchers = dict.fromkeys(range(2000), -1e9)  # they left long ago

    def come():
        for number in range(200_000):
            if ended:
                return
            idle.watch(name, f"session {number}")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    idle.watch(name, "me")
    visitors = Thread(target=come)
    visitors.start()
    try:
        for _ in range(100):
            idle._look_after(job)
    finally:
        ended.append(True)
        visitors.join()
        sys.setswitchinterval(interval)
    assert runs.find(name).status == "queued"


def test_a_run_has_a_time_budget(queue, monkeypatch):
    (name,) = submit(queue, "me", endless(12))
    begun(name)
    monkeypatch.setattr(trainings, "BUDGET", 0.6)
    run = ended(name)
    assert (run.status, run.reason) == ("stopped", "Stopped because its 0 minutes were used up.")


# Workers and servers that fail


def test_workers_that_hang_are_ended_and_the_next_run(queue, monkeypatch):
    silent, disobedient = submit(queue, "me", endless(13), endless(14))
    histories = {name: begun(name) and recorded(name) for name in (silent, disobedient)}
    pids = {name: worker_of(queue, name) for name in (silent, disobedient)}
    for pid in pids.values():
        os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(trainings, "GRACE", 0.2)
    queue.stop(disobedient, "me")
    wait_for(lambda: runs.find(disobedient).status == "stopped")
    assert runs.find(disobedient).reason == "Stopped; its process did not answer and was ended."
    assert runs.find(silent).status == "running"
    monkeypatch.setattr(trainings, "SILENCE", 1.0)
    wait_for(lambda: runs.find(silent).status == "failed")
    assert runs.find(silent).reason == "It gave no sign of life for 1 seconds, so its process was ended."
    assert all(gone(pid) for pid in pids.values())
    assert all(recorded(name)[: len(history)] == history for name, history in histories.items())
    monkeypatch.setattr(trainings, "SILENCE", PATIENCE)
    names = submit(queue, "me", config(15), config(16))  # one for each slot
    assert {ended(name).status for name in names} == {"done"}
    assert not processes(queue) & set(pids.values())


def test_a_killed_worker_leaves_an_interrupted_run_and_the_next_runs(queue):
    (name,) = submit(queue, "me", endless(17))
    begun(name)
    pid = worker_of(queue, name)
    os.kill(pid, signal.SIGKILL)
    run = ended(name)
    assert (run.status, run.reason) == ("interrupted", "Its process ended before the training did.")
    assert recorded(name)[0]["step"] == 0
    assert run.weights(0).keys() >= {"1.weight", "8.bias"}
    wait_for(lambda: not queue.active("me"))
    names = submit(queue, "me", config(18), config(19))  # one for each slot
    assert {ended(name).status for name in names} == {"done"}
    assert pid not in processes(queue)


def test_a_run_folder_that_is_removed_meanwhile_does_no_harm(queue, home, tmp_path):
    before = processes(queue)
    (name,) = submit(queue, "me", endless(20))
    begun(name)
    os.rename(home / name, tmp_path / "removed")
    shutil.rmtree(tmp_path / "removed", ignore_errors=True)
    wait_for(lambda: not queue.active("me"))
    assert not (home / name).exists()
    pair = submit(queue, "me", config(21), config(22))
    assert {ended(name).status for name in pair} == {"done"}
    assert processes(queue) == before


def test_a_waiting_run_whose_folder_is_removed_does_no_harm(queue, home):
    pair = submit(queue, "me", endless(23), endless(24))
    (waiting,), (last,) = submit(queue, "other", config(25)), submit(queue, "third", config(26))
    shutil.rmtree(home / waiting)
    queue.stop(pair[0], "me")
    assert ended(last).status == "done"
    assert not (home / waiting).exists()


SERVER = """
import sys, time
from core.jobs import trainings
queue = trainings.Queue(slots=1)
queue.warm_up()
from core.classifier import Config
running = Config(dataset="mnist", images=640, epochs=3, seed=int(sys.argv[1]))
waiting = Config(dataset="mnist", images=640, epochs=1, seed=99)
queue.submit("classifier", [running, waiting], "me")
print(queue._workers[0]._process.pid, flush=True)
time.sleep(600)
"""


def test_a_killed_server_takes_its_workers_along_and_another_trains_anew(queue, home):
    names = [runs.run_name("classifier", each) for each in (config(27, epochs=3), config(99))]
    with subprocess.Popen([sys.executable, "-c", SERVER, "27"], cwd=ROOT, stdout=subprocess.PIPE) as server:
        worker = int(server.stdout.readline())
        begun(names[0])
        assert [runs.find(name).status for name in names] == ["running", "queued"]
        server.kill()
    wait_for(lambda: gone(worker))
    # its locks go a moment after it: with its last thread
    wait_for(lambda: [runs.find(name).status for name in names] == ["interrupted", "interrupted"])
    assert recorded(names[0])[0]["step"] == 0
    submit(queue, "me", config(27, epochs=3), config(99))
    assert [ended(name).status for name in names] == ["done", "done"]
    assert [record["step"] for record in recorded(names[0])] == [0, 0, 10, 20, 30]
    assert runs.find(names[0]).weights().keys() >= {"1.weight", "8.bias"}


@pytest.mark.parametrize("asked, nice", [(None, 10), ("3", 3), ("99", 19), ("a little", 10)])
def test_a_worker_steps_back_without_taking_those_along_who_share_its_session(asked, nice, monkeypatch):
    weight = Path("/proc/self/autogroup")  # of the session, where Linux weighs sessions
    before = weight.exists() and weight.read_text()
    monkeypatch.delenv("EXPLORER_NICE") if asked is None else monkeypatch.setenv("EXPLORER_NICE", asked)
    program = "import os; from core.jobs.worker import stand_back; stand_back(); print(os.nice(0))"
    told = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(told.stdout) == min(19, os.nice(0) + nice)
    assert (weight.exists() and weight.read_text()) == before


def test_a_worker_whose_input_closes_ends_at_once():
    worker = subprocess.run(
        [sys.executable, "-m", "core.jobs.worker"],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE,
    )  # fmt: skip
    assert (worker.returncode, worker.stdout, worker.stderr) == (0, b"", b"")


def test_a_worker_that_cannot_be_started_costs_a_run_and_not_the_queue(home, monkeypatch):
    def refuse(*_, **__):
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    queue = Queue(slots=1)
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.callback(queue.shut_down)
        for seed in (1, 2):
            (name,) = submit(queue, "me", config(seed))
            wait_for(lambda: not queue.active("me"))
            assert runs.find(name).status == "interrupted"


def test_a_worker_that_says_nothing_any_more_is_ended(tmp_path):
    worker = trainings.Worker()
    mute = [sys.executable, "-c", "import os, time; os.close(1); time.sleep(600)"]
    worker._process = subprocess.Popen(mute, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    worker.train(tmp_path)
    assert (worker._process.returncode, worker.path) == (-signal.SIGKILL, None)
    worker.close()


def test_after_shutting_down_nothing_runs_any_more(home):
    queue = Queue(slots=1)
    queue.shut_down()
    (name,) = submit(queue, "me", config(1))
    assert queue._workers == []
    assert json.loads((home / name / "run.json").read_text())["status"] == "queued"
    empty(queue)
