"""core/jobs, sweep and cluster: every combination once, the same numbers wherever they are trained, nothing lost.

The cluster is a real one: a scheduler and two workers, each a process of its own on this machine.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from core import __main__ as command_line
from core import runs
from core.bench import sweep as bench
from core.classifier import Config
from core.jobs import cluster, processes, sweep, trainings
from core.jobs.cluster import remote, versions
from core.runs import recorder

PATIENCE = 60  # seconds until a test gives up
TINY = ["--dataset", "mnist", "--images", "64", "--epochs", "1"]


def wait_for(condition: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE
    while not (answer := condition()):
        assert time.monotonic() < until, f"still waiting after {PATIENCE} s"
        time.sleep(0.02)
    return answer


def tiny(seed: int, epochs: int = 1) -> Config:
    return Config(dataset="mnist", images=64, epochs=epochs, seed=seed)


def endless(seed: int) -> Config:
    """A training that lasts longer than any test."""
    return Config(dataset="mnist", images=6400, epochs=100, seed=seed)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """Empty folders for one's own runs (the one returned) and for shipped ones."""
    monkeypatch.setenv("EXPLORER_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(runs, "shipped_dir", lambda: tmp_path / "checkpoints")
    return tmp_path / "runs"


def put(path: Path, config: Any, status: str) -> None:
    """A run that lies there in this status."""
    path.mkdir(parents=True)
    recorder.Recorder(path, "classifier", config).update(status=status, reason="of old")


def told(run: runs.Run) -> tuple:
    """What a run holds but for times and the machine."""
    history = [{**record, "seconds": None} for record in run.history()]
    return run.name, run.status, run.config, run.command, run.data, run.metrics, run.checksums, history


def alone(folder: Path, config: Config) -> runs.Run:
    """The run of a config trained in this process."""
    path = folder / "alone/classifier" / runs.run_name("classifier", config)
    recorder.create(path, "classifier", config).release()
    return recorder.perform(path)


# What is asked for

VALUES = {
    "adam": (str, ["adam"]),
    "sgd,adam": (str, ["sgd", "adam"]),
    "sgd, adam": (str, ["sgd", "adam"]),
    "0-4": (int, [0, 1, 2, 3, 4]),
    "7": (int, [7]),
    "-1": (int, [-1]),
    "3-3,1,10-11": (int, [3, 1, 10, 11]),
    "1e-4,0.001": (float, [0.0001, 0.001]),
    "own-0-4": (str, ["own-0-4"]),
}


@pytest.mark.parametrize("text", VALUES)
def test_an_option_lists_its_values(text):
    kind, expected = VALUES[text]
    found = sweep.values(text, kind)
    assert (found, {type(value) for value in found}) == (expected, {kind})


@pytest.mark.parametrize(
    "text, kind, words",
    [("1,fast", float, "invalid float value: 'fast'"), ("0.5", int, "invalid int value: '0.5'"),
     ("1,,2", int, "invalid int value: ''"), ("4-0", int, "range 4-0 is empty"), ("0-10000", int, "longer than 10,000"),
     ("1-2", float, "invalid float value: '1-2'")],
)  # fmt: skip
def test_what_is_no_value_is_named(text, kind, words):
    with pytest.raises(ValueError, match=words):
        sweep.values(text, kind)


def test_every_combination_is_a_config_and_none_comes_twice():
    chosen = {"dataset": ["mnist"], "optimizer": ["sgd", "adam"], "lr": [0.1, 0.01], "seed": [1, 2, 1]}
    made = sweep.configs("classifier", chosen)
    assert [(c.optimizer, c.lr, c.seed) for c in made] == [
        ("sgd", 0.1, 1), ("sgd", 0.1, 2), ("sgd", 0.01, 1), ("sgd", 0.01, 2),
        ("adam", 0.1, 1), ("adam", 0.1, 2), ("adam", 0.01, 1), ("adam", 0.01, 2),
    ]  # fmt: skip
    assert len(sweep.configs("embeddings", {"layout": ["pca"], "perplexity": [5.0, 30.0]})) == 1  # PCA has none


def test_a_sweep_has_an_end():
    with pytest.raises(ValueError, match=r"^These are 1,000,000 runs, and a sweep may have 10,000\.$"):
        sweep.configs("classifier", {"seed": range(1000), "images": range(1000)})


@pytest.fixture
def asked(home, monkeypatch) -> list:
    """What would be trained by a command: configs, folder, workers."""
    calls: list = []

    def local(topic: str, configs: list, root: Path, workers: int | None) -> Iterator[runs.Run]:
        calls.append((configs, root, workers))
        return iter(())

    monkeypatch.setattr(sweep, "local", local)
    return calls


def test_the_command_asks_for_the_product_of_its_options(asked, home):
    arguments = ["--seeds", "0-1", "--optimizer", "sgd,adam", "--lr", "1e-3,1e-2", "--workers", "3"]
    assert command_line.main(["sweep", "classifier", *TINY, *arguments]) == 1  # none of them is there
    ((configs, root, workers),) = asked
    assert (root, workers, len(configs), len(set(configs))) == (home, 3, 8, 8)
    assert configs[0] == Config(dataset="mnist", images=64, epochs=1, seed=0, optimizer="sgd", lr=0.001)
    assert {(c.seed, c.optimizer, c.lr) for c in configs} == {
        (seed, optimizer, lr) for seed in (0, 1) for optimizer in ("sgd", "adam") for lr in (0.001, 0.01)
    }


@pytest.mark.parametrize("topic", recorder.TOPICS)
def test_without_options_a_sweep_is_the_run_of_the_defaults(topic, asked):
    command_line.main(["sweep", topic])
    assert asked[0][0] == [recorder.lab(topic).Config()]


@pytest.mark.parametrize("status", ["done", "stopped", "diverged", "failed", "interrupted", "running"])
def test_what_is_done_is_not_trained_again(status, asked, home, tmp_path, capsys):
    configs = [tiny(seed) for seed in range(3)]
    names = [runs.run_name("classifier", config) for config in configs]
    put(home / "classifier" / names[0], configs[0], status)
    put(tmp_path / "checkpoints/classifier" / names[1], configs[1], status)
    command_line.main(["sweep", "classifier", *TINY, "--seed", "0-2", "--json"])
    assert asked[0][0] == (configs[2:] if status == "done" else configs)
    entries = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in entries] == names
    assert entries[2]["status"] == "unreadable"
    command_line.main(["sweep", "classifier", *TINY, "--seed", "0-2", "--out", str(tmp_path / "other")])
    assert asked[1][:2] == (configs, tmp_path / "other")  # nothing is recorded there


MISTAKES = {
    "words for a number": ["--lr", "fast"],
    "half an epoch": ["--epochs", "0.5"],
    "an unknown optimizer": ["--optimizer", "adamm"],
    "too high a learning rate": ["--lr", "1000"],
    "no learning rate": ["--lr", "nan"],
    "no epoch": ["--epochs", "0"],
    "a path for a data set": ["--dataset", "../../mnist"],
    "an unknown option": ["--speed", "9"],
}


def answer(arguments: list[str], capsys) -> str:
    """The last line of the answer to wrong arguments, without the name of the command."""
    try:
        status = command_line.main(arguments)
    except SystemExit as ended:
        status = ended.code
    said = capsys.readouterr()
    assert (status, said.out) == (2, "")
    return said.err.splitlines()[-1].split("error: ")[-1]


@pytest.mark.parametrize("arguments", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_answered_as_train_answers_it(arguments, asked, home, capsys):
    sentence = answer(["train", "classifier", *arguments], capsys)
    assert answer(["sweep", "classifier", *arguments], capsys) == sentence
    if arguments[0] != "--speed":  # beside a value that is possible
        good = getattr(Config(), arguments[0].removeprefix("--"))
        assert answer(["sweep", "classifier", arguments[0], f"{good},{arguments[1]}"], capsys) == sentence
    assert (asked, home.exists()) == ([], False)


def test_no_workers_cannot_train(home, capsys):
    assert answer(["sweep", "classifier", *TINY, "--workers", "0"], capsys) == "--workers must be at least 1, not 0."


# On this machine


def test_the_command_trains_what_is_missing_and_says_so(home, monkeypatch, capsys):
    monkeypatch.setattr(processes.Worker, "train", lambda _, path: recorder.perform(path))  # in this process
    command = ["sweep", "classifier", *TINY, "--seeds", "1,2", "--workers", "1"]
    assert command_line.main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "2 of 2 runs are done, 0 of them were recorded already."
    names = [runs.run_name("classifier", tiny(seed)) for seed in (1, 2)]
    assert [line.split()[:2] for line in lines[:-1]] == [[name, "done"] for name in names]
    before = {file: file.stat().st_mtime_ns for file in home.rglob("*")}
    assert command_line.main(command) == 0
    assert capsys.readouterr().out == "2 of 2 runs are done, 2 of them were recorded already.\n"
    assert {file: file.stat().st_mtime_ns for file in home.rglob("*")} == before


def test_processes_give_what_one_alone_gives_and_end_with_who_asked(home, tmp_path, monkeypatch):
    crew = processes.Crew()
    monkeypatch.setattr(sweep, "Crew", lambda: crew)
    configs = [endless(1), tiny(2), tiny(3), endless(4)]
    first, *good, last = (home / "classifier" / runs.run_name("classifier", config) for config in configs)

    def kill() -> None:
        """End the process of the first run, once it is at it."""
        wait_for((first / "history.jsonl").exists)
        (worker,) = (worker for worker in crew._all if worker.path == first)
        os.kill(worker._process.pid, signal.SIGKILL)

    ended = sweep.local("classifier", configs, home, workers=2)
    with background(kill):
        status = {run.name: run.status for run in itertools.islice(ended, 3)}
    assert status == {first.name: "interrupted", **{path.name: "done" for path in good}}
    for path, config in zip(good, configs[1:], strict=False):
        assert told(runs.read(path)) == told(alone(tmp_path, config))
    wait_for(last.exists)
    ended.close()
    assert all(worker._process.poll() is not None for worker in crew._all)
    assert runs.read(last).status == "interrupted"


@contextlib.contextmanager
def background(work: Callable[[], None]) -> Iterator[None]:
    """Do it in a thread meanwhile; what goes wrong there fails the test."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(work)
        yield
        done.result(PATIENCE)


# On a cluster


@dataclass
class Dask:
    """A scheduler and its workers, with one thread each and a folder for its scratch files."""

    folder: Path
    address: str
    scheduler: subprocess.Popen
    workers: list[tuple[subprocess.Popen, Path]] = field(default_factory=list)

    def complete(self, count: int = 2) -> None:
        """Start what is missing of so many workers, and wait until they are there."""
        from distributed import Client

        self.workers = [(process, scratch) for process, scratch in self.workers if process.poll() is None]
        while len(self.workers) < count:
            scratch = self.folder / f"worker{time.monotonic_ns()}"
            self.workers.append((bench.start_worker(self.address, scratch), scratch))
        with Client(self.address, set_as_default=False) as client:
            wait_for(lambda: len(client.scheduler_info()["workers"]) == len(self.workers))

    def at_work(self, name: str) -> list[subprocess.Popen]:
        """The workers that have the run of this name."""
        found = []
        for process, scratch in self.workers:
            with contextlib.suppress(FileNotFoundError):  # a folder that the worker removes meanwhile
                found += [process] if list(scratch.glob(f"**/{name}/run.json")) else []
        return found

    def end(self) -> None:
        for process in (*(process for process, _ in self.workers), self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def started(tmp_path_factory) -> Iterator[Dask]:
    folder = tmp_path_factory.mktemp("dask")
    scheduler, address = bench.start_scheduler(folder)
    running = Dask(folder, address, scheduler)
    try:
        yield running
    finally:
        running.end()


@pytest.fixture
def dask(started, home) -> Dask:
    """The cluster, with both its workers."""
    started.complete()
    return started


def test_a_cluster_gives_what_one_alone_gives(dask, home, tmp_path, capsys):
    command = ["sweep", "classifier", *TINY, "--seeds", "3-5", "--scheduler", dask.address]
    assert command_line.main([*command, "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["config"]["seed"] for entry in entries] == [3, 4, 5]
    for seed, entry in zip((3, 4, 5), entries, strict=True):
        assert told(runs.find(entry["name"])) == told(alone(tmp_path, tiny(seed)))
    assert command_line.main(command) == 0
    assert capsys.readouterr().out == "3 of 3 runs are done, 3 of them were recorded already.\n"
    assert not [path for _, scratch in dask.workers for path in scratch.glob("**/run.json")]


def test_a_run_that_cannot_be_trained_says_why(dask, home, capsys):
    command = ["sweep", "classifier", "--dataset", "no-such-set", "--scheduler", dask.address]
    assert command_line.main(command) == 1
    assert "There is no data set 'no-such-set'" in capsys.readouterr().out
    (run,) = runs.listing()
    assert run.status == "failed"


def test_a_layout_takes_its_network_along(dask, home):
    from core import embeddings

    (network,) = sweep.configs("embeddings", {"images": [64], "epochs": [1]})
    path = home / "embeddings" / runs.run_name("embeddings", network)
    recorder.create(path, "embeddings", network).release()
    assert recorder.perform(path).status == "done"
    layout = embeddings.Config("pca", network=path.name, points=100)
    (run,) = cluster.train("embeddings", [layout], home, dask.address)
    assert (run.status, run.reason) == ("done", "")


@pytest.fixture
def queue(started, home, monkeypatch) -> Iterator[trainings.Queue]:
    """The queue of an app that trains on the cluster, of which one worker is enough."""
    started.complete(1)
    monkeypatch.setenv("EXPLORER_SCHEDULER", started.address)
    monkeypatch.setattr(trainings, "GRACE", PATIENCE)  # a stop goes a long way
    queue = trainings.Queue(slots=2)
    yield queue
    for name in queue.active("me"):
        queue.stop(name, "me")
    wait_for(lambda: not queue.active("me"))
    queue.shut_down()
    remote._client(started.address).close()


def test_the_app_trains_on_a_cluster_and_sees_it_as_it_goes(queue, home, tmp_path):
    done, long = queue.submit("classifier", [tiny(11), endless(12)], "me")
    wait_for(lambda: not runs.find(done).active)
    assert told(runs.find(done)) == told(alone(tmp_path, tiny(11)))
    assert {type(worker) for worker in queue._workers} == {remote.Remote}
    wait_for(lambda: len(runs.find(long).history()) > 1 and runs.find(long).steps)
    for _ in range(4):  # twice a second on an idle machine
        size = len(runs.find(long).history())
        wait_for(lambda size=size: len(runs.find(long).history()) > size)
    assert runs.find(long).status == "running"
    assert runs.find(long).weights(0).keys() >= {"1.weight", "8.bias"}
    queue.stop(long, "me")
    wait_for(lambda: not runs.find(long).active)
    assert runs.find(long).status == "stopped"
    assert runs.find(long).reason == "Stopped by its viewer."
    steps = [record["step"] for record in runs.find(long).history()]
    assert steps == sorted(steps) and steps.count(0) == 2


def test_who_leaves_a_sweep_frees_the_workers(dask, home):
    ended = cluster.train("classifier", [endless(1), tiny(2)], home, dask.address)
    assert next(ended).name == runs.run_name("classifier", tiny(2))
    name = runs.run_name("classifier", endless(1))
    wait_for(lambda: dask.at_work(name))
    ended.close()
    wait_for(lambda: not dask.at_work(name))
    assert [run.name for run in runs.listing()] == [runs.run_name("classifier", tiny(2))]


def test_workers_of_another_version_are_refused(dask, home, monkeypatch, capsys):
    monkeypatch.setattr("importlib.metadata.version", lambda _: "1.0")
    cluster.version.cache_clear()
    try:
        said = answer(["sweep", "classifier", *TINY, "--scheduler", dask.address], capsys)
    finally:
        cluster.version.cache_clear()
    assert said.startswith("The worker tcp://127.0.0.1:") and said.endswith("and not 1.0.")
    assert not home.exists()


def test_the_version_changes_with_any_file_of_the_lab(tmp_path, monkeypatch):
    assert {"runs", "gan", "jobs"} <= {folder.name for folder in versions.LAB.iterdir()}
    lab = shutil.copytree(versions.LAB, tmp_path / "core", ignore=shutil.ignore_patterns("embedded", "__pycache__"))
    plain = versions.version.__wrapped__
    ours = plain()
    monkeypatch.setattr(versions, "LAB", lab)
    assert plain() == ours
    with open(lab / "gan" / "match.py", "a") as file:
        file.write("# changed")
    assert plain()["code"] != ours["code"]


class Client:
    """A cluster whose workers answer so."""

    def __init__(self, **answers: Any):
        self.answers = answers

    def run(self, *_: Any, **__: Any) -> dict:
        return self.answers


def test_workers_that_cannot_train_are_refused():
    with pytest.raises(ValueError, match="has no workers: start some in the project's folder, `python -m dask worker"):
        cluster._check_workers(Client(), "tcp://there:1")
    with pytest.raises(ValueError, match=r"w1 was not started in the project's folder: .* tcp://there:1`"):
        cluster._check_workers(Client(w1=ModuleNotFoundError("No module named 'core'")), "tcp://there:1")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:{port}", "127.0.0.1:{port}", "nonsense", "", "tcp://x:y", "a b:1"]
)
def test_where_no_scheduler_is_a_sentence_says_so(address, home, capsys):
    address = address.format(port=free_port())
    said = answer(["sweep", "classifier", *TINY, "--scheduler", address], capsys)
    assert said == f"There is no Dask scheduler at {address!r} (tcp://host:8786 is the usual form)."
    assert not home.exists()


def test_without_dask_a_sentence_says_how_to_install_it(home, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    said = answer(["sweep", "classifier", *TINY, "--scheduler", "tcp://127.0.0.1:1"], capsys)
    assert said == 'A cluster needs Dask: pip install "dask[distributed]".'


def test_a_cluster_has_its_own_number_of_workers(home, capsys):
    said = answer(["sweep", "classifier", *TINY, "--scheduler", "tcp://127.0.0.1:1", "--workers", "2"], capsys)
    assert said.startswith("--workers counts processes of this machine")


def test_a_killed_worker_or_process_costs_its_own_run_another_try_and_nothing_else(dask, home, tmp_path):
    configs = [tiny(seed, epochs=3) for seed in (6, 7, 8)]
    names = [runs.run_name("classifier", config) for config in configs]

    def kill() -> None:
        first, second = wait_for(lambda: len(at := [p for name in names for p in dask.at_work(name)]) == 2 and at)
        for child in children(first):
            os.kill(child, signal.SIGKILL)
        os.kill(second.pid, signal.SIGKILL)

    with background(kill):
        ended = list(cluster.train("classifier", configs, home, dask.address))
    assert sorted(run.name for run in ended) == sorted(names)
    for config, name in zip(configs, names, strict=True):
        assert told(runs.find(name)) == told(alone(tmp_path, config))
    assert sum(process.poll() is None for process, _ in dask.workers) == 1


def children(process: subprocess.Popen) -> list[int]:
    tasks = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(child) for file in tasks for child in file.read_text().split()]


def test_a_lost_worker_leaves_an_interrupted_run(queue, started):
    (name,) = queue.submit("classifier", [endless(13)], "me")
    (process,) = wait_for(lambda: runs.find(name).history() and started.at_work(name))
    process.kill()
    process.wait()
    wait_for(lambda: not runs.find(name).active)
    assert (runs.find(name).status, runs.find(name).reason) == ("interrupted", remote.LOST)
    assert runs.find(name).history()[0]["step"] == 0
    wait_for(lambda: not queue.active("me"))


def test_without_its_cluster_the_app_says_so(home, monkeypatch):
    monkeypatch.setenv("EXPLORER_SCHEDULER", address := f"tcp://127.0.0.1:{free_port()}")
    queue = trainings.Queue(slots=1)
    (name,) = queue.submit("classifier", [tiny(14)], "me")
    wait_for(lambda: not runs.find(name).active)
    assert runs.find(name).status == "interrupted"
    assert runs.find(name).reason.startswith(f"There is no Dask scheduler at '{address}'")
    queue.shut_down()
