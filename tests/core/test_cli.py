"""python -m core: what it makes is what it says, and a mistake of its caller is one sentence."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core import __main__ as command_line
from core import runs
from core.classifier import Config
from core.locks import Lock
from core.runs import recorder

ROOT = Path(__file__).parents[2]
SMALL = ["train", "classifier", "--dataset", "mnist", "--images", "2000", "--epochs", "1", "--seed", "42"]


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """Empty folders for one's own runs (the one returned) and for shipped ones."""
    monkeypatch.setenv("EXPLORER_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(runs, "shipped_dir", lambda: tmp_path / "checkpoints")
    return tmp_path / "runs/classifier"


def core(*arguments: str | Path) -> subprocess.Popen:
    """The command in a process of its own, where a warning is an error."""
    command = [sys.executable, "-W", "error", "-m", "core", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> list[tuple[Path, int, str, str]]:
    """The same command run twice at once: folder, exit status, output and error output of each."""
    folders = [tmp_path_factory.mktemp("runs") / "classifier" / name for name in ("first", "second")]
    started = [core(*SMALL, "--out", folder) for folder in folders]
    spoken = [process.communicate(timeout=120) for process in started]
    return [(f, p.returncode, *said) for f, p, said in zip(folders, started, spoken, strict=True)]


@pytest.fixture
def run(trained, monkeypatch) -> Path:
    """A run that was just trained, in the runs folder; restored afterwards if the test has changed it."""
    folder = trained[0][0]
    monkeypatch.setenv("EXPLORER_RUNS", str(folder.parents[1]))
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    yield folder
    for file, content in before.items():
        file.write_bytes(content)


def ends(status: str, reason: str):
    """A training that ends so, at once."""

    def perform(path: Path, device: str) -> runs.Run:
        recorder.end(path, status, reason)
        return runs.read(path)

    return perform


def change(path: Path, **facts) -> None:
    stored = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({**stored, **facts}))


# Training


def test_training_twice_gives_the_same_but_for_the_time(trained):
    for folder, status, out, errors in trained:
        assert (status, errors) == (0, "")
        told = out.splitlines()
        assert told[:2] == ["done", str(folder)]
        assert json.loads(told[2]) == runs.read(folder).metrics
    first, second = (runs.read(folder) for folder, *_ in trained)
    assert runs.first_difference(first, second) is None
    assert first.checksums == second.checksums
    assert first.metrics == second.metrics
    assert [record["step"] for record in first.history()] == [0, 0, 25, 32]
    assert first.metrics["test_accuracy"] > 0.7 > 0.3 > first.history()[1]["test_accuracy"]
    assert first.config == {**vars(Config(dataset="mnist", images=2000, epochs=1)), "seed": 42}


def test_its_command_says_how_to_make_it_again(trained):
    said = runs.read(trained[0][0]).command.split()
    options = [command_line.parser().parse_args(words) for words in (said[3:], SMALL)]
    assert vars(options[0]) == vars(options[1])


def test_a_run_goes_where_its_name_says(home, monkeypatch, capsys):
    monkeypatch.setattr(recorder, "perform", ends("done", ""))
    assert command_line.main(SMALL) == 0
    name = runs.run_name("classifier", Config(dataset="mnist", images=2000, epochs=1))
    assert [path.name for path in home.iterdir()] == [name]
    assert str(home / name) in capsys.readouterr().out


@pytest.mark.parametrize("status", ["stopped", "failed", "diverged"])
def test_a_training_that_does_not_end_well_says_why(status, home, monkeypatch, capsys):
    monkeypatch.setattr(recorder, "perform", ends(status, "So it is."))
    assert command_line.main(SMALL) == 1
    assert capsys.readouterr().out.startswith(f"{status}: So it is.\n")


def test_missing_data_end_in_a_sentence(home, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "no data"))
    assert command_line.main(["train", "classifier", "--dataset", "fashion-mnist", "--out", str(tmp_path / "one")]) == 1
    assert "Run `python -m core fetch fashion-mnist`" in capsys.readouterr().out
    assert runs.read(tmp_path / "one").status == "failed"


# Listing


def listed(capsys) -> dict[str, dict]:
    assert command_line.main(["runs", "--json"]) == 0
    return {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}


def test_runs_are_listed_with_their_facts(run, capsys):
    (run.parent / "odd").mkdir(exist_ok=True)
    entry = listed(capsys)["first"]
    assert list(entry) == [
        "name", "topic", "status", "shipped", "config", "metrics", "steps", "reason", "command", "data"
    ]  # fmt: skip
    facts = [entry[name] for name in ("topic", "status", "shipped", "steps", "reason")]
    assert facts == ["classifier", "done", False, [0, 32], ""]
    assert Config(**entry["config"]) == Config(dataset="mnist", images=2000, epochs=1)
    assert entry["data"]["name"] == "mnist"
    assert entry["metrics"] == runs.read(run).metrics
    assert listed(capsys)["odd"] == {
        "name": "odd", "status": "unreadable", "reason": "odd has no run.json, so it is not a run."
    }  # fmt: skip


def test_runs_are_listed_for_people_too(run, capsys):
    (run.parent / "odd").mkdir(exist_ok=True)
    assert command_line.main(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    first, odd = (next(line for line in lines if line.startswith(f"{name} ")) for name in ("first", "odd"))
    assert re.fullmatch(r"first +done +\{\"test_accuracy\": 0\.\d+, \"test_loss\": 0\.\d+\}", first)
    assert odd == "odd has no run.json, so it is not a run."
    assert len(lines) == len(runs.listing())


def test_people_are_spared_metrics_that_are_lists(run, capsys):
    change(run, metrics={"test_accuracy": 0.5, "matrix": [[1.0]], "curves": {"pgd": [0.1]}})
    assert command_line.main(["runs"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("first "))
    assert line.endswith('{"test_accuracy": 0.5}')
    assert listed(capsys)["first"]["metrics"]["matrix"] == [[1.0]]


def test_no_runs_are_an_empty_list(home, capsys):
    assert listed(capsys) == {}


# Measuring again


def test_eval_of_a_run_just_made_is_exact(run, capsys):
    assert command_line.main(["eval", "first"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["measured"] == report["stored"] == runs.read(run).metrics
    assert (report["name"], report["equal"], report["same_data"]) == ("first", True, True)


@pytest.mark.parametrize("factor", [1 + 1e-9, 1.1, 0])
def test_eval_notices_metrics_that_were_tampered_with(factor, run, capsys):
    metrics = runs.read(run).metrics
    change(run, metrics={**metrics, "test_accuracy": metrics["test_accuracy"] * factor})
    assert command_line.main(["eval", "first"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert not report["equal"]
    assert report["measured"] == metrics


def test_eval_says_when_the_data_are_others(run, capsys):
    change(run, data={"name": "mnist", "identity": "0" * 16, "note": ""})
    assert command_line.main(["eval", "first"]) == 0
    assert json.loads(capsys.readouterr().out)["same_data"] is False


UNUSABLE = {  # what is done to a run → words of the answer to eval
    "other weights": (
        lambda path: (path / "snapshots/32.safetensors").write_bytes(b"?"), "not those that were recorded"
    ),
    "no weights": (lambda path: [file.unlink() for file in path.rglob("*.safetensors")], "has no weights"),
    "settings of another version": (lambda path: change(path, config={"mood": "good"}), "does not know"),
    "another topic": (lambda path: change(path, topic="cooking"), "There is no topic 'cooking'"),
    "a broken run.json": (lambda path: (path / "run.json").write_text("{"), "cannot be read"),
    "other data": (
        lambda path: change(path, config={"dataset": "no-such-set"}), "There is no data set 'no-such-set'"
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage, words", UNUSABLE.values(), ids=UNUSABLE)
def test_eval_of_what_cannot_be_measured_is_a_sentence(damage, words, run, capsys):
    damage(run)
    assert command_line.main(["eval", "first"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert words in said.err
    assert len(said.err.splitlines()) == 1


# Mistakes

TRAIN = ["train", "classifier"]
MISTAKES = {  # arguments → words of the answer
    "no command": ([], "required"),
    "an unknown command": (["trian"], "invalid choice: 'trian'"),
    "no topic": (["train"], "required"),
    "an unknown topic": (["train", "cooking"], "invalid choice: 'cooking'"),
    "an unknown option": ([*TRAIN, "--speed", "9"], "unrecognized arguments: --speed 9"),
    "an option without its value": ([*TRAIN, "--lr"], "expected one argument"),
    "words for a number": ([*TRAIN, "--lr", "fast"], "invalid float value: 'fast'"),
    "half an epoch": ([*TRAIN, "--epochs", "0.5"], "invalid int value: '0.5'"),
    "an unknown optimizer": ([*TRAIN, "--optimizer", "adamm"], "choose one of sgd, sgd_momentum, adam, adamw, rmsprop"),
    "an unknown activation": ([*TRAIN, "--activation", "gelu"], "choose one of leaky_relu, tanh, relu"),
    "too high a learning rate": ([*TRAIN, "--lr", "1000"], "lr must be between 1e-07 and 100"),
    "no learning rate": ([*TRAIN, "--lr", "nan"], "lr must be between"),
    "no epoch": ([*TRAIN, "--epochs", "0"], "epochs must be between 1 and 100"),
    "a path for a data set": ([*TRAIN, "--dataset", "../../mnist"], "dataset '../../mnist' is no name"),
    "an unknown device": ([*TRAIN, "--device", "toaster"], "There is no device 'toaster'"),
    "a run that is not there": (["eval", "nothing"], "There is no run 'nothing'"),
    "a path for a run": (["eval", "../classifier/first"], "There is no run '../classifier/first'"),
    "an unknown data set to fetch": (["fetch", "imagenet"], "imagenet"),
    "an unknown topic to record": (["record", "cooking"], "invalid choice: 'cooking'"),
    "an unknown topic to measure": (["bench", "cooking"], "invalid choice: 'cooking'"),
}


def refused(arguments: list[str], capsys) -> str:
    """The answer to wrong arguments: one sentence (after argparse's usage, if it is from there), and status 2."""
    status = None
    with contextlib.suppress(SystemExit):
        status = command_line.main(arguments)
    said = capsys.readouterr()
    answer = said.err.splitlines()[-1]
    if status is None:
        assert "error: " in answer
    else:
        assert (status, said.err.count("\n")) == (2, 1)
        assert answer.endswith(".")
    assert said.out == ""
    return answer


@pytest.mark.parametrize("arguments, words", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_answered_with_a_sentence_and_nothing_is_made(arguments, words, home, capsys):
    assert words in refused(arguments, capsys)
    assert not home.exists()


def test_a_mistake_ends_the_process_with_status_2_and_without_a_traceback(home):
    with core(*TRAIN, "--epochs", "0") as process:
        said = process.communicate(timeout=120)
    assert process.returncode == 2
    assert said == ("", "epochs must be between 1 and 100, not 0.\n")


def active(status: str):
    """Put a run there whose locks are held."""

    def make(path: Path, held: list[Lock]) -> None:
        path.mkdir()
        recorder.Recorder(path, "classifier", Config()).update(status=status)
        held += [Lock(path / name) for name in (runs.QUEUE_LOCK, runs.WORKER_LOCK)]

    return make


OCCUPIED = {  # what lies where the run is to go
    "a folder of something else": lambda path, _: path.mkdir(),
    "a file": lambda path, _: path.write_text("a note"),
    "a run that waits": active("queued"),
    "a run that is being trained": active("running"),
    "a damaged run": lambda path, _: [path.mkdir(), (path / "run.json").write_text("{")],
}


@pytest.mark.parametrize("make", OCCUPIED.values(), ids=OCCUPIED)
def test_nothing_is_overwritten(make, home, tmp_path, capsys):
    path, held = tmp_path / "one", []
    make(path, held)
    before = sorted(os.walk(path)), path.stat().st_mtime_ns
    assert "one" in refused([*SMALL, "--out", str(path)], capsys)
    assert (sorted(os.walk(path)), path.stat().st_mtime_ns) == before
    for lock in held:
        lock.release()


def test_a_folder_that_cannot_be_made_is_a_sentence(home, tmp_path, capsys):
    (tmp_path / "note").write_text("")
    assert "note" in refused_by_the_system([*SMALL, "--out", str(tmp_path / "note/one")], capsys)


def refused_by_the_system(arguments: list[str], capsys) -> str:
    assert command_line.main(arguments) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    return said.err
