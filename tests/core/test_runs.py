"""core/runs: names and commands that come back to the same config, and folders of which none can do harm."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from core import __main__ as command_line
from core import runs, shipped
from core.classifier import Config
from core.runs import Run, RunError, Unreadable, recorder

ROOT = Path(__file__).parents[2]
WEIGHTS = {"weight": torch.linspace(-2, 2, 12).view(3, 4), "bias": torch.tensor([0.1, 0.2, 0.3])}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Empty folders for one's own runs (the one returned) and for shipped ones."""
    monkeypatch.setenv("EXPLORER_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(runs, "shipped_dir", lambda: tmp_path / "checkpoints")
    return tmp_path / "runs"


def record(path: Path, status: str = "done", config: Config | None = None, steps: tuple[int, ...] = (0, 5)) -> Path:
    """A run as a recorder writes it: a history of these steps, and weights of each (the same ones)."""
    path.mkdir(parents=True)
    writer = recorder.Recorder(path, "classifier", config or Config(dataset="mnist"))
    writer.update(status=status, metrics={"test_accuracy": 0.5})
    for step in steps:
        writer.append({"step": step, "loss": 1 / (step + 1), "seconds": 0.1})
        writer.snapshot(step, WEIGHTS)
    return path


def change(path: Path, **facts) -> None:
    """Change facts of a run.json behind its recorder's back."""
    stored = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({**stored, **facts}))


def is_sentence(text: str) -> bool:
    return text.endswith(".") and "\n" not in text and len(text) < 400


# Names and commands

CHANGES = [
    {"dataset": "mnist"}, {"dataset": "a_b"}, {"dataset": "a-b"}, {"activation": "tanh"}, {"activation": "relu"},
    {"optimizer": "sgd"}, {"optimizer": "sgd_momentum"}, {"lr": 0.01}, {"lr": 1e-7}, {"lr": 0.1 + 0.2}, {"lr": 100},
    {"batch_size": 65}, {"epochs": 6}, {"seed": 43}, {"images": 1}, {"dataset": "x" * 64, "optimizer": "sgd_momentum"},
    {"epochs": 64, "batch_size": 5}, {"lr": 0.02, "seed": 2**31 - 1, "activation": "tanh"},
]  # fmt: skip


def test_the_name_of_a_run_is_the_same_today_and_tomorrow():
    assert runs.run_name("classifier", Config()) == "classifier-cifar10-adam-leaky-relu-lr0.001-s42-c5d8091c"
    assert runs.run_name("classifier", Config(lr=1)) == runs.run_name("classifier", Config(lr=1.0))


def test_every_config_has_a_name_of_its_own_that_is_one():
    configs = [Config(), *(Config(**changes) for changes in CHANGES)]
    names = [runs.run_name("classifier", config) for config in configs]
    assert len(set(names)) == len(names)
    assert runs.run_name("gan", Config()) not in names
    assert [name for name in names if not runs.NAME.fullmatch(f"{name}.again")] == []


def test_changes_of_every_setting_were_tried():
    assert {name for changes in CHANGES for name in changes} == {f.name for f in dataclasses.fields(Config)}


def parsed(command: str) -> Any:
    """The config that the command line makes of a command."""
    words = command.split()
    assert words[:3] == ["python", "-m", "core"]
    options = command_line.parser().parse_args(words[3:])
    kind = recorder.lab(options.topic).Config
    return kind(**{f.name: getattr(options, f.name) for f in dataclasses.fields(kind)})


@pytest.mark.parametrize("changes", [{}, *CHANGES], ids=str)
def test_a_command_makes_the_same_config_again(changes):
    config = Config(**changes)
    command = runs.command("classifier", config)
    assert parsed(command) == config
    assert runs.run_name("classifier", parsed(command)) == runs.run_name("classifier", config)
    assert command.count("--") == sum(value != getattr(Config(), name) for name, value in changes.items())


@pytest.mark.parametrize("topic", recorder.TOPICS)
def test_the_commands_of_the_shipped_recordings_make_them_again(topic):
    configs = [recording.config for recording in shipped.recordings(topic)]
    assert [parsed(runs.command(topic, config)) for config in configs] == configs
    assert len({runs.run_name(topic, config) for config in configs}) == len(configs)


# Reading and listing


def test_a_run_reads_as_it_was_written(home):
    path = record(home / "classifier/one")
    run = runs.read(path)
    assert (run.name, run.topic, run.status, run.active, run.shipped) == ("one", "classifier", "done", False, False)
    assert Config(**run.config) == Config(dataset="mnist")
    assert run.steps == [0, 5]
    assert run.history() == [{"step": 0, "loss": 1.0, "seconds": 0.1}, {"step": 5, "loss": 1 / 6, "seconds": 0.1}]
    assert runs.find("one") == run
    assert runs.listing() == runs.listing("classifier") == [run]
    assert runs.listing("gan") == []


def test_a_run_is_found_by_its_config(home):
    config = Config(dataset="mnist", seed=7)
    assert runs.of("classifier", config) is None
    path = record(home / "classifier" / runs.run_name("classifier", config), config=config)
    assert runs.of("classifier", config).path == path
    assert runs.of("classifier", dataclasses.replace(config, seed=8)) is None
    (path / "run.json").write_text("{")
    assert runs.of("classifier", config) is None


def test_shipped_runs_come_first_and_hide_ones_own_of_the_same_name(home):
    for folder in (home, runs.shipped_dir()):
        for name in ("b", "a"):
            record(folder / "classifier" / name)
    listed = runs.listing()
    assert [(run.shipped, run.name) for run in listed] == [(True, "a"), (True, "b"), (False, "a"), (False, "b")]
    assert runs.find("a").shipped


def test_without_any_folder_there_are_no_runs(home):
    assert runs.listing() == []
    with pytest.raises(RunError, match="There is no run 'one'"):
        runs.find("one")


HISTORIES = {  # what is on the disk → the steps that are read
    "none": (None, []),
    "empty": (b"", []),
    "one line": (b'{"step": 0}\n', [0]),
    "a torn last line": (b'{"step": 0}\n{"step": 1}\n{"ste', [0, 1]),
    "a last line that only lacks its end": (b'{"step": 0}\n{"step": 1}', [0]),
    "nothing but a torn line": (b'{"step', []),
    "torn within a letter": ('{"step": 0}\n{"a": "ä'.encode()[:-1], [0]),
}


@pytest.mark.parametrize("content, steps", HISTORIES.values(), ids=HISTORIES)
def test_a_torn_last_line_of_a_history_is_left_out(content, steps, home):
    path = record(home / "classifier/one", steps=())
    if content is not None:
        (path / "history.jsonl").write_bytes(content)
    assert [line["step"] for line in runs.find("one").history()] == steps


def test_a_history_that_grows_is_read_again(home):
    path = record(home / "classifier/one", steps=(0,))
    run = runs.read(path)
    assert len(run.history()) == 1
    with open(path / "history.jsonl", "a") as file:
        file.write('{"step": 5}\n{"st')
    assert len(run.history()) == 2
    with open(path / "history.jsonl", "a") as file:
        file.write('ep": 10}\n')
    assert [line["step"] for line in run.history()] == [0, 5, 10]


@pytest.mark.parametrize("line", [b"{oops}", b"\xff\x00", b"[" * 100_000, b"5", b""], ids=lambda line: repr(line[:5]))
def test_a_damaged_line_of_a_history_is_reported(line, home):
    path = record(home / "classifier/one", steps=())
    (path / "history.jsonl").write_bytes(b'{"step": 0}\n' + line + b'\n{"step": 1}\n')
    with pytest.raises(RunError, match="The history of one cannot be read"):
        runs.find("one").history()


def test_the_first_difference_of_two_histories_leaves_times_aside(home):
    one, two, longer = (record(home / "classifier" / name) for name in ("one", "two", "longer"))
    (two / "history.jsonl").write_text((one / "history.jsonl").read_text().replace('"seconds": 0.1', '"seconds": 9'))
    (longer / "history.jsonl").write_text((one / "history.jsonl").read_text() + '{"step": 9}\n')
    other = record(home / "classifier/other", steps=(0, 6))
    assert runs.first_difference(*map(runs.read, (one, two))) is None
    assert runs.first_difference(*map(runs.read, (one, longer))) == 9
    assert runs.first_difference(*map(runs.read, (longer, one))) == 9
    assert runs.first_difference(*map(runs.read, (one, other))) == 5


# Folders that are no runs

NO_RUN = {  # the content of run.json → words of the reason
    "an empty file": (b"", "cannot be read"),
    "not JSON": (b"{", "cannot be read"),
    "half a run": (b'{"format": 1, "topic": "classifier", "con', "cannot be read"),
    "binary": (bytes(range(256)) * 9, "cannot be read"),
    "a list": (b"[1]", "cannot be read"),
    "a number": (b"5", "cannot be read"),
    "a word": (b'"format"', "cannot be read"),
    "null": (b"null", "cannot be read"),
    "an empty object": (b"{}", "'format'"),
    "nothing but a format": (b'{"format": 1}', "'topic'"),
    "a word for a format": (b'{"format": "x"}', "cannot be read"),
    "a newer format": (b'{"format": 2, "layers": []}', "newer version"),
    "a number too long": (b'{"format": ' + b"1" * 10_000 + b"}", "cannot be read"),
    "nested beyond measure": (b"[" * 200_000, "cannot be read"),
}
WRONG_FACTS = [  # name of a fact and a value that makes no sense → words of the reason
    *((name, value, name) for name in runs.KINDS for value in (None, [], "x", 5) if name != "status"
      and not isinstance(value, runs.KINDS[name])),
    ("status", "finished", "unknown status 'finished'"), ("status", ["done"], "status"), ("status", None, "status"),
    ("format", 99, "newer version"),
]  # fmt: skip


def unreadable(path: Path, words: str) -> None:
    """Expect the folder to be listed beside a run, as unreadable for a reason in a sentence, and not to be found."""
    record(path.parent / "sound")
    with pytest.raises(RunError):
        runs.read(path)
    with pytest.raises(RunError):
        runs.find(path.name)
    listed = {entry.name: entry for entry in runs.listing()}
    assert isinstance(listed["sound"], Run)
    assert isinstance(listed[path.name], Unreadable)
    assert listed[path.name].path == path
    assert path.name in listed[path.name].reason
    assert words in listed[path.name].reason
    assert is_sentence(listed[path.name].reason)


@pytest.mark.parametrize("content, words", NO_RUN.values(), ids=NO_RUN)
def test_a_folder_with_another_run_json_is_listed_as_unreadable(content, words, home):
    path = home / "classifier/odd"
    path.mkdir(parents=True)
    (path / "run.json").write_bytes(content)
    unreadable(path, words)


@pytest.mark.parametrize("name, value, words", WRONG_FACTS, ids=str)
def test_a_run_with_a_wrong_fact_is_listed_as_unreadable(name, value, words, home):
    path = record(home / "classifier/odd")
    assert runs.read(path).status == "done"
    change(path, **{name: value})
    unreadable(path, words)


@pytest.mark.parametrize("name", [*runs.KINDS, "format"])
def test_a_run_that_lacks_a_fact_is_listed_as_unreadable(name, home):
    path = record(home / "classifier/odd")
    stored = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({key: value for key, value in stored.items() if key != name}))
    unreadable(path, name)


def test_facts_that_this_version_does_not_know_do_no_harm(home):
    path = record(home / "classifier/one")
    change(path, mood="good")
    assert runs.find("one").status == "done"


STRANGE = {  # how to make a strange folder
    "an empty folder": lambda path: path.mkdir(parents=True),
    "a folder of folders": lambda path: (path / "run/run.json").mkdir(parents=True),
    "a folder for run.json": lambda path: (path / "run.json").mkdir(parents=True),
    "somebody's pictures": lambda path: [path.mkdir(parents=True), (path / "cat.png").write_bytes(b"\x89PNG")],
    "a run.json that points nowhere": lambda path: [path.mkdir(parents=True), (path / "run.json").symlink_to("gone")],
    "a run.json that points to itself": lambda path: [
        path.mkdir(parents=True), (path / "run.json").symlink_to("run.json")
    ],
}  # fmt: skip


@pytest.mark.parametrize("make", STRANGE.values(), ids=STRANGE)
def test_a_foreign_folder_is_listed_as_unreadable(make, home):
    make(home / "classifier/odd")
    unreadable(home / "classifier/odd", "odd")


PASSED_OVER = {  # what is no folder, or hidden
    "a file": lambda path: path.write_text("a note"),
    "a link to nothing": lambda path: path.symlink_to("gone"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a hidden folder": lambda path: path.with_name(".odd").mkdir(),
    "a file for a topic": lambda path: path.parent.with_name("odd").write_text("a note"),
}


@pytest.mark.parametrize("make", PASSED_OVER.values(), ids=PASSED_OVER)
def test_what_is_no_folder_is_passed_over(make, home):
    record(home / "classifier/sound")
    make(home / "classifier/odd")
    assert [entry.name for entry in runs.listing()] == ["sound"]
    with pytest.raises(RunError):
        runs.find("odd")


NO_NAMES = [
    "", ".", "..", "../secret", "../../secret", "classifier/../../secret", "a/b", "/etc/passwd", "sound/", "./sound",
    "a\0b", "\0", "sound\n", "x" * 5000, "x" * 201, "*", "s*", "soun?", "[a-z]ound", "**", "~", ".hidden", "-x",
    "Sound", "sound ", "söund", "..\\secret", "sound/snapshots",
]  # fmt: skip


@pytest.mark.parametrize("name", NO_NAMES, ids=lambda name: repr(name[:24]))
def test_nothing_but_names_is_looked_up(name, home, tmp_path):
    record(home / "classifier/sound")
    record(home / "classifier/.hidden")
    record(home / "secret")
    record(tmp_path / "secret")
    with pytest.raises(RunError, match="There is no run"):
        runs.find(name)


def test_a_link_within_a_run_gives_away_nothing(home, tmp_path):
    path = record(home / "classifier/one")
    (tmp_path / "secret").write_bytes((path / "snapshots/5.safetensors").read_bytes()[:-1] + b"!")
    for name in ("5", "9"):
        (path / f"snapshots/{name}.safetensors").unlink(missing_ok=True)
        (path / f"snapshots/{name}.safetensors").symlink_to(tmp_path / "secret")
    for step in (5, 9, None):
        with pytest.raises(RunError):
            runs.find("one").weights(step)
    assert runs.find("one").weights(0).keys() == WEIGHTS.keys()


# Weights


def test_weights_come_back_as_float16_stored_them(home):
    run = runs.read(record(home / "classifier/one"))
    for step in (None, 0, 5):
        weights = run.weights(step)
        assert weights.keys() == WEIGHTS.keys()
        assert all(tensor.dtype == torch.float32 for tensor in weights.values())
        assert all(torch.equal(tensor, WEIGHTS[name].half().float()) for name, tensor in weights.items())
        assert all(torch.allclose(tensor, WEIGHTS[name], rtol=1e-3) for name, tensor in weights.items())


def test_weights_beyond_float16_are_kept_as_they_are(home):
    path = record(home / "classifier/one", steps=())
    weights = {"large": torch.tensor([1e9, -1.23456789]), "small": torch.tensor([0.1])}
    writer = recorder.Recorder(path, "classifier", Config())
    writer.snapshot(1, weights)
    stored = runs.read(path).weights()
    assert torch.equal(stored["large"], weights["large"])
    assert torch.equal(stored["small"], weights["small"].half().float())


DAMAGE = {  # what happens to the file of step 5 → words of the answer
    "cut off": (lambda file, content: file.write_bytes(content[:-10]), "not those that were recorded"),
    "empty": (lambda file, content: file.write_bytes(b""), "not those that were recorded"),
    "one bit changed": (
        lambda file, content: file.write_bytes(content[:-1] + bytes([content[-1] ^ 1])), "not those that were recorded"
    ),
    "of another run": (
        lambda file, content: file.write_bytes(save({"weight": torch.zeros(3)})), "not those that were recorded"
    ),
    "gone": (lambda file, content: file.unlink(), "has no weights of step 5"),
    "a folder": (lambda file, content: [file.unlink(), file.mkdir()], "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("damage, words", DAMAGE.values(), ids=DAMAGE)
def test_damaged_weights_are_refused_in_a_sentence(damage, words, home):
    path = record(home / "classifier/one")
    file = path / "snapshots/5.safetensors"
    damage(file, file.read_bytes())
    with pytest.raises(RunError, match=words) as caught:
        runs.find("one").weights(5)
    assert is_sentence(str(caught.value))
    assert runs.find("one").weights(0).keys() == WEIGHTS.keys()


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"{}", (50).to_bytes(8, "little") + b"{" * 50], ids=len)
def test_a_file_with_the_right_checksum_that_holds_no_weights_is_refused(content, home):
    path = record(home / "classifier/one")
    (path / "snapshots/5.safetensors").write_bytes(content)
    change(path, checksums={"snapshots/5.safetensors": hashlib.sha256(content).hexdigest()})
    with pytest.raises(RunError, match="cannot be read"):
        runs.find("one").weights()


@pytest.mark.parametrize("checksum", ["0" * 64, "", None, 5, ["x"]], ids=str)
def test_a_wrong_checksum_is_refused(checksum, home):
    path = record(home / "classifier/one", steps=(5,))
    change(path, checksums={"snapshots/5.safetensors": checksum})
    with pytest.raises(RunError, match="not those that were recorded"):
        runs.find("one").weights()


def test_weights_that_are_just_being_written_do_not_count_yet(home):
    """The file is there a moment before its checksum is: a run that is read in between has the weights before."""
    path = record(home / "classifier/one")
    (path / "snapshots/10.safetensors").write_bytes((path / "snapshots/5.safetensors").read_bytes())
    (path / "snapshots/.15.safetensors.123.part").write_bytes(b"half")
    (path / "snapshots/notes.safetensors").write_bytes(b"")
    run = runs.find("one")
    assert run.steps == [0, 5]
    assert run.weights().keys() == WEIGHTS.keys()


@pytest.mark.parametrize("step", [1, -1, 10**30])
def test_weights_of_another_step_are_refused(step, home):
    with pytest.raises(RunError, match=f"The run one has no weights of step {step}"):
        runs.read(record(home / "classifier/one")).weights(step)


def test_a_run_without_weights_says_so(home):
    with pytest.raises(RunError, match=r"The run one has no weights\.$"):
        runs.read(record(home / "classifier/one", steps=())).weights()


# Who is alive

HOLDER = """
import sys
from pathlib import Path
from core.locks import Lock
lock = Lock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def hold() -> Iterator:
    """Start a process that holds a lock; it is there until it is killed."""
    started = []

    def start(path: Path) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout.readline() == b"held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


LOCKS = {"queued": runs.QUEUE_LOCK, "running": runs.WORKER_LOCK}


@pytest.mark.parametrize("status", LOCKS)
def test_an_active_run_is_one_whose_process_lives(status, home, hold):
    path = record(home / "classifier/one", status=status)
    assert runs.find("one").status == "interrupted"
    process = hold(path / LOCKS[status])
    for _ in range(2):  # looking does not take the lock away
        assert runs.find("one").status == status
    assert runs.find("one").active
    assert runs.find("one").reason == ""
    process.send_signal(signal.SIGKILL)
    process.wait()
    run = runs.find("one")
    assert (run.status, run.active) == ("interrupted", False)
    assert run.reason == "Its process ended before the training did."
    assert len(run.history()) == 2
    assert run.weights().keys() == WEIGHTS.keys()


@pytest.mark.parametrize("status, other", [("queued", "running"), ("running", "queued")])
def test_the_lock_of_the_other_status_does_not_count(status, other, home, hold):
    hold(record(home / "classifier/one", status=status) / LOCKS[other])
    assert runs.find("one").status == "interrupted"


@pytest.mark.parametrize("status", sorted(set(runs.STATUSES) - {"queued", "running"}))
def test_a_run_that_has_ended_stays_so_whoever_holds_its_locks(status, home):
    path = record(home / "classifier/one", status=status)
    locks = [recorder.Lock(path / name) for name in LOCKS.values()]
    assert runs.find("one").status == status
    for lock in locks:
        lock.release()
    assert runs.find("one").status == status


def test_where_runs_are_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("EXPLORER_RUNS", "~/elsewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert runs.runs_dir() == tmp_path / "elsewhere"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXPLORER_RUNS", "here")
    assert runs.runs_dir() == Path(os.getcwd()) / "here"
    monkeypatch.setenv("EXPLORER_RUNS", "")
    assert runs.runs_dir() == ROOT / "runs"
