"""The course's figures beside ours: read here once more from the JSON of the runs, without the code that is tested."""

from __future__ import annotations

import json
import math
import re
import shutil
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core import course, reported, runs
from core.reported import FIGURES, Figure, Ours

NAMES = [figure.name for figure in FIGURES]
COURSE = {"iterations": 100_000, "z": "normal", "output": "sigmoid"}  # of the GANs, beside the objective
SETTINGS = {  # figure → some words of the settings by which its runs can be told from all others
    "sgd": {"dataset": "cifar10", "optimizer": "sgd", "activation": "leaky_relu", "lr": 0.001},
    "adam": {"dataset": "cifar10", "optimizer": "adam", "activation": "leaky_relu", "lr": 0.001},
    "tanh": {"dataset": "cifar10", "optimizer": "adam", "activation": "tanh", "lr": 0.001},
    **{name: {"cell": "gru", "iterations": 2000} for name in ("loss", "perplexity")},
    **{f"bce-{step}": {"objective": "bce", **COURSE} for step in (20_000, 100_000)},
    **{f"course-{step}": {"objective": "course", **COURSE} for step in (20_000, 100_000)},
    **{name: {"model": "large", "initial": "course"} for name in ("attacked", "four", "noise", "zeros")},
}
SEEDS = {"classifier": [42, 43, 44, 45, 46], "char_rnn": [42, 43, 44], "gan": [42, 43, 44], "adversarial": [42]}


def figure(name: str) -> Figure:
    return FIGURES[NAMES.index(name)]


def folders(topic: str, settings: dict[str, Any]) -> Iterator[tuple[dict, list[dict]]]:
    """The run.json and the history of every shipped run with these settings."""
    for file in sorted((runs.ROOT / "checkpoints" / topic).glob("*/run.json")):
        run = json.loads(file.read_text())
        if settings.items() <= run["config"].items():
            yield run, [json.loads(line) for line in (file.parent / "history.jsonl").read_text().splitlines()]


def metric(name: str) -> Callable[[dict, list[dict]], float]:
    return lambda run, history: run["metrics"][name]


def record(step: int, name: str) -> Callable[[dict, list[dict]], float]:
    return lambda run, history: [line[name] for line in history if line["step"] == step and name in line][-1]


READ = {
    **dict.fromkeys(("sgd", "adam", "tanh", "attacked"), metric("test_accuracy")),
    **{name: metric(f"certainty_{name}") for name in ("four", "noise", "zeros")},
    "loss": record(2000, "loss"),
    "perplexity": lambda run, history: math.exp(record(2000, "loss")(run, history)),
    **{f"{objective}-{step}": record(step, "digit_entropy") for objective in ("bce", "course")
       for step in (20_000, 100_000)},
}  # fmt: skip


@pytest.fixture(scope="module")
def all_ours() -> dict[str, Ours]:
    return {each.name: reported.ours(each) for each in FIGURES}


@pytest.mark.parametrize("name", NAMES)
def test_ours_is_what_the_records_say(name: str, all_ours: dict[str, Ours]) -> None:
    topic, found = figure(name).topic, all_ours[name]
    expected = {run["config"]["seed"]: READ[name](run, history) for run, history in folders(topic, SETTINGS[name])}
    assert sorted(found.values) == SEEDS[topic]
    assert found.values == expected
    assert found.mean == pytest.approx(sum(expected.values()) / len(expected))
    assert found.range == (min(expected.values()), max(expected.values()))


def test_the_courses_figures_are_those_of_its_reports() -> None:
    """As COURSE.md's tables have them, in the order of the exercises."""
    told = {each.name: each.reported for each in FIGURES}
    assert [told[name] for name in ("sgd", "adam", "tanh")] == [0.2311, 0.6045, 0.5294]
    assert told["loss"] == 1.3524
    assert round(told["perplexity"], 2) == 3.87
    assert [told[name] for name in ("four", "noise", "zeros", "attacked")] == [0.99, 0.99, 0.59, 0.972]
    assert {name for name, value in told.items() if value is None} == {name for name in NAMES if "000" in name}
    assert figure("course-100000").said == "only 1s"


@pytest.mark.parametrize("name", NAMES)
def test_every_reason_is_a_sentence_or_two(name: str, all_ours: dict[str, Ours]) -> None:
    assert re.fullmatch(r"\S.{20,160}\.", all_ours[name].why)


def test_reasons_follow_the_records(all_ours: dict[str, Ours]) -> None:
    """Whether the course's figure is inside our range is looked up, not written down."""
    for name in ("sgd", "adam", "tanh"):
        low, high = all_ours[name].range
        assert ("Inside" in all_ours[name].why) == (low <= figure(name).reported <= high)
    higher = Figure(**{**figure("tanh").__dict__, "reported": all_ours["tanh"].mean})
    assert "Inside" in reported.ours(higher).why


def test_numbers_in_reasons_come_from_the_records(all_ours: dict[str, Ours]) -> None:
    why, drawn = all_ours["course-100000"].why, record(100_000, "digit_histogram")
    for objective in ("course", "leak", "raw-log"):
        ones = [drawn(*each)[1] for each in folders("gan", {"objective": objective, **COURSE})]
        assert reported._percent(ones) in why
    heldout = [run["metrics"]["heldout_perplexity"] for run, _ in folders("char_rnn", SETTINGS["loss"])]
    assert f"{statistics.fmean(heldout):.2f}" in all_ours["perplexity"].why
    late = [line["loss"] for _, history in folders("char_rnn", SETTINGS["loss"]) for line in history
            if line["step"] > 1900 and "loss" in line]  # fmt: skip
    assert f"from {min(late):.3f} to {max(late):.3f}" in all_ours["loss"].why
    [[usual, _]] = folders("adversarial", {"model": "large", "initial": "pytorch", "iterations": 1000})
    assert f"{100 * usual['metrics']['certainty_noise']:.0f}\u202f%" in all_ours["noise"].why


def test_percentages_never_claim_all() -> None:
    assert reported._percent([0.8215, 0.9965]) == "82 to 99.6\u202f%"
    assert reported._percent([0.9999]) == "99.9\u202f%"
    assert reported._percent([1.0]) == "100\u202f%"


def test_runs_that_are_damaged_gone_or_unfinished_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = figure("four").wanted
    name = runs.run_name("adversarial", config)
    shutil.copytree(runs.shipped_dir() / "adversarial" / name, tmp_path / "adversarial" / name)
    monkeypatch.setattr(runs, "shipped_dir", lambda: tmp_path)
    file = tmp_path / "adversarial" / name / "run.json"
    told = json.loads(file.read_text())
    assert len(reported.ours(figure("four")).values) == 1
    assert "PyTorch" not in reported.ours(figure("noise")).why  # the other network is not there
    del told["metrics"]["certainty_four"]
    file.write_text(json.dumps(told))
    assert reported.ours(figure("four")) is None
    assert reported.ours(figure("zeros")) is not None
    for content in (json.dumps({**told, "status": "stopped"}), "{"):
        file.write_text(content)
        assert reported.ours(figure("zeros")) is None
    assert reported.ours(figure("sgd")) is None


def test_a_history_without_the_step_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = runs.run_name("char_rnn", figure("loss").wanted)
    shutil.copytree(runs.shipped_dir() / "char_rnn" / name, tmp_path / "char_rnn" / name)
    monkeypatch.setattr(runs, "shipped_dir", lambda: tmp_path)
    assert [*reported.ours(figure("loss")).values] == [42]
    history = tmp_path / "char_rnn" / name / "history.jsonl"
    history.write_text("".join(line for line in history.read_text().splitlines(True) if '"step": 2000' not in line))
    assert reported.ours(figure("loss")) is None


def test_the_course_measured_what_core_course_has() -> None:
    assert {each.reported for each in FIGURES if each.topic == "classifier"} == set(course.TEST_ACCURACY.values())
