"""The runs that come with the project: all there, whole, as good as the course's, and exactly repeatable."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from core import classifier, course, data, runs, shipped
from core.classifier import Config
from core.runs import Run, recorder

MOST_BYTES = 14 * 2**20  # of the 60 MB for all topics


def found() -> dict[str, Run]:
    return {entry.name: entry for entry in runs.listing("classifier") if isinstance(entry, Run) and entry.shipped}


def of(**settings) -> list[Run]:
    return [run for run in found().values() if settings.items() <= run.config.items()]


def test_every_recording_is_there_and_done() -> None:
    names = [runs.run_name("classifier", recording.config) for recording in shipped.recordings("classifier")]
    assert len(names) == len(set(names)) == 15 + 14 + 3
    assert set(names) == set(found())
    assert {run.status for run in found().values()} == {"done"}


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_sweep_has_seven_rates_beside_the_courses(optimizer: str) -> None:
    swept = of(dataset="cifar10", optimizer=optimizer, activation="leaky_relu", seed=42)
    assert len({run.config["lr"] for run in swept}) == 8


@pytest.mark.parametrize(("setting", "reported"), course.TEST_ACCURACY.items(), ids=str)
def test_the_mean_over_seeds_is_within_three_points_of_the_course(setting: tuple[str, str], reported: float) -> None:
    optimizer, activation = setting
    repeated = of(dataset="cifar10", optimizer=optimizer, activation=activation, lr=0.001)
    assert sorted(run.config["seed"] for run in repeated) == [42, 43, 44, 45, 46]
    assert abs(statistics.mean(run.metrics["test_accuracy"] for run in repeated) - reported) < 0.03


def test_course_lines_stand_at_the_courses_settings_alone() -> None:
    assert course.test_accuracy(Config(seed=7)) == 0.6045
    for other in ({"lr": 0.01}, {"dataset": "mnist"}, {"epochs": 6}, {"optimizer": "adamw"}, {"images": 1000}):
        assert course.test_accuracy(Config(**other)) is None


def test_given_its_own_rate_sgd_nearly_closes_the_gap() -> None:
    best = {name: max(run.metrics["test_accuracy"] for run in of(dataset="cifar10", optimizer=name, seed=42))
            for name in ("sgd", "adam")}  # fmt: skip
    same = {name: of(dataset="cifar10", optimizer=name, activation="leaky_relu", lr=0.001, seed=42)[0]
            for name in ("sgd", "adam")}  # fmt: skip
    gap = same["adam"].metrics["test_accuracy"] - same["sgd"].metrics["test_accuracy"]
    assert best["adam"] - best["sgd"] < gap / 4


@pytest.mark.parametrize("run", of(dataset="mnist"), ids=lambda run: run.name)
def test_the_stored_accuracy_of_an_mnist_run_is_what_its_weights_give(run: Run) -> None:
    config = Config(**run.config)
    dataset = data.load("mnist")
    assert run.data["identity"] == dataset.identity
    measured = recorder.measure(run.path, classifier, config, dataset)
    assert measured["test_accuracy"] == run.metrics["test_accuracy"]
    assert measured["test_loss"] == pytest.approx(run.metrics["test_loss"], rel=1e-5)  # sums differ between processors


@pytest.mark.parametrize("run", [run for run in found().values() if run.config["dataset"] == "cifar10"],
                         ids=lambda run: run.name)  # fmt: skip
def test_recordings_on_copies_say_so_and_keep_their_weights(run: Run) -> None:
    assert "JPEG" in run.data["note"]
    kept = len(run.steps)
    assert kept == (6 if run.config["lr"] == 0.001 else 1)
    classifier.restore(Config(**run.config), run.weights())


def test_they_are_small() -> None:
    files = (runs.shipped_dir() / "classifier").rglob("*")
    assert sum(file.stat().st_size for file in files if file.is_file()) < MOST_BYTES


def test_what_another_process_records_or_has_recorded_is_left_to_it(tmp_path: Path) -> None:
    recording = shipped.Recording(Config(dataset="mnist", images=64, epochs=1))
    path = tmp_path / "classifier" / runs.run_name("classifier", recording.config)
    others = recorder.create(path, "classifier", recording.config)
    assert shipped._record(path, "classifier", recording) is None
    assert runs.read(path).status == "queued"
    others.release()
    assert shipped._record(path, "classifier", recording).status == "done"
    before = path.stat().st_ino
    assert shipped._record(path, "classifier", recording) is None
    assert path.stat().st_ino == before
