"""The queue when many press at once, when nothing fits any more, and when the clock is set back."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import limits, runs
from core.classifier import Config
from core.jobs import trainings
from core.jobs.trainings import Queue, QueueFull
from core.runs import recorder

MANY = 100


def config(seed: int) -> Config:
    return Config(dataset="mnist", images=640, epochs=1, seed=seed)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXPLORER_RUNS", str(tmp_path))
    return tmp_path / "classifier"


@pytest.fixture
def idle(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """A queue without workers, in which everything waits."""
    queue = Queue(slots=1)
    monkeypatch.setattr(queue, "warm_up", lambda: None)
    yield queue
    for job in list(queue._jobs.values()):
        queue.stop(job.name, job.owner)
    assert not queue._jobs


def at_once(actions: list) -> list:
    """What each of these functions returns or raises when all are called at the same moment, a thread each."""
    together, results = threading.Barrier(len(actions)), [None] * len(actions)

    def act(i: int) -> None:
        together.wait()
        try:
            results[i] = actions[i]()
        except Exception as error:
            results[i] = error

    threads = [threading.Thread(target=act, args=(i,)) for i in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_the_same_asked_for_by_twenty_at_once_is_one_run(idle: Queue, home: Path) -> None:
    ask = [lambda owner=f"viewer {i}": idle.submit("classifier", [config(1), config(2)], owner) for i in range(20)]
    answers = at_once(ask)
    names = [runs.run_name("classifier", config(seed)) for seed in (1, 2)]
    assert answers == [names] * 20
    assert sorted(path.name for path in home.iterdir()) == sorted(names)
    assert [idle.place(name) for name in names] == [1, 2]
    assert len(idle._jobs[names[0]].watchers) == 20


def test_a_hundred_wait_in_the_order_in_which_they_came(idle: Queue, home: Path) -> None:
    names = [idle.submit("classifier", [config(i)], f"viewer {i}")[0] for i in range(MANY)]
    assert [idle.place(name) for name in names] == list(range(1, MANY + 1))
    assert {run.status for run in runs.listing("classifier", home.parent)} == {"queued"}
    started = time.process_time()
    for name in names:
        idle._look_after(idle._jobs[name])
        idle.place(name)
    assert time.process_time() - started < 1  # of a core: what all pages together may cost a second
    idle.stop(names[0], "viewer 0")
    assert idle.place(names[-1]) == MANY - 1


def test_of_two_hundred_at_once_none_is_lost_and_the_rest_are_told(idle: Queue, home: Path) -> None:
    ask = [lambda i=i: idle.submit("classifier", [config(i)], f"viewer {i}") for i in range(2 * MANY)]
    answers = at_once(ask)
    refused = [answer for answer in answers if isinstance(answer, QueueFull)]
    taken = [name for answer in answers if isinstance(answer, list) for name in answer]
    assert len(taken) == idle.slots + idle.most_waiting
    assert len(taken) + len(refused) == 2 * MANY
    assert sorted(path.name for path in home.iterdir()) == sorted(taken)


def test_who_changes_a_setting_in_a_full_queue_keeps_the_place_in_it(idle: Queue, monkeypatch) -> None:
    monkeypatch.setattr(idle, "most_waiting", 1)
    for owner in "ab":
        idle.submit("classifier", [config(ord(owner))], owner)
    with pytest.raises(QueueFull):
        idle.submit("classifier", [config(1), config(2)], "b")
    assert len(idle.active("b")) == 1  # a refusal takes nothing away
    (name,) = idle.submit("classifier", [config(1)], "b")
    assert idle.active("b") == [name]


def test_what_is_recorded_is_shown_though_the_queue_is_full(idle: Queue, home: Path, monkeypatch) -> None:
    name = runs.run_name("classifier", config(1))
    (home / name).mkdir(parents=True)
    recorder.Recorder(home / name, "classifier", config(1)).update(status="done")
    monkeypatch.setattr(idle, "most_waiting", 0)
    idle.submit("classifier", [config(2)], "a")
    assert idle.submit("classifier", [config(1)], "b") == [name]


# Limits


@pytest.mark.parametrize(
    ("asked", "slots"), [(None, os.cpu_count()), ("3", 3), ("0", 1), ("-1", os.cpu_count()), ("many", os.cpu_count()),
                         ("9999", 64), ("9" * 5000, os.cpu_count())]
)  # fmt: skip
def test_as_many_run_at_once_as_is_said(asked: str | None, slots: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXPLORER_JOBS", raising=False)
    if asked is not None:
        monkeypatch.setenv("EXPLORER_JOBS", asked)
    assert Queue().slots == slots


def test_as_many_wait_as_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_JOBS", "1")
    monkeypatch.setenv("EXPLORER_QUEUE", "0")
    queue = Queue()
    monkeypatch.setattr(queue, "warm_up", lambda: None)
    (name,) = queue.submit("classifier", [config(1)], "a")
    with pytest.raises(QueueFull, match="The queue is full"):
        queue.submit("classifier", [config(2)], "b")
    queue.stop(name, "a")
    assert Queue().most_waiting == 0
    monkeypatch.delenv("EXPLORER_QUEUE")
    assert Queue().most_waiting == limits.WAITING


@pytest.mark.parametrize("text", ["1", "true", "yes", "on", "please"])
def test_a_server_that_only_replays_trains_nothing(text: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_READONLY", text)
    queue = Queue(slots=1)
    queue.warm_up()
    assert queue._workers == []
    for again in (False, True):
        with pytest.raises(limits.Refused, match="replays recorded runs"):
            queue.submit("classifier", [config(1)], "me", again)
    assert not home.exists()


@pytest.mark.parametrize("text", ["", "0", "false", "No", " off "])
def test_other_words_mean_a_server_that_trains(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_READONLY", text)
    assert not limits.read_only()


# The clock


def test_a_clock_that_is_set_back_ends_no_training_and_shortens_no_lease(idle: Queue, monkeypatch) -> None:
    (name,) = idle.submit("classifier", [config(1)], "me")
    job, plain = idle._jobs[name], time.time
    job.started = time.monotonic()
    for shift in (-1e6, 1e6, -2e9):
        monkeypatch.setattr(time, "time", lambda shift=shift: plain() + shift)
        idle._look_after(job)
        assert runs.find(name).status == "queued"
    job.watchers["me"] -= trainings.LEASE + 1  # time that has passed counts all the same
    idle._look_after(job)
    assert (runs.find(name).status, idle.active("me")) == ("stopped", [])


# Disks


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_full_disk_refuses_a_training_and_leaves_nothing_behind(call: str, idle: Queue, home: Path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(OSError, match="No space left"):
            idle.submit("classifier", [config(1)], "me")
    assert list(home.iterdir()) == []
    assert not idle._jobs
    assert idle.submit("classifier", [config(1)], "me") == idle.active("me")  # there is room again


def test_half_of_a_pair_that_fits_is_trained_though_the_other_half_does_not(idle: Queue, monkeypatch) -> None:
    plain, made = recorder.create, []

    def create(*arguments):
        if made:
            full()
        made.append(plain(*arguments))
        return made[0]

    monkeypatch.setattr(recorder, "create", create)
    woken = []
    monkeypatch.setattr(idle._changed, "notify_all", lambda: woken.append(True))
    with pytest.raises(OSError, match="No space left"):
        idle.submit("classifier", [config(1), config(2)], "me")
    assert len(idle.active("me")) == 1
    assert woken  # a worker that waits has heard of the first
