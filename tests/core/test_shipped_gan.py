"""The shipped GAN runs: all there, whole, small, measured as they say, and telling what the page shows."""

from __future__ import annotations

import json

import pytest

from core import course, data, gan, runs, shipped
from core.gan import Config
from core.gan.objectives import OBJECTIVES
from core.gan.sheets import cells
from core.runs import Run, recorder

MOST_BYTES = 30_000_000


def found() -> dict[str, Run]:
    return {entry.name: entry for entry in runs.listing("gan") if isinstance(entry, Run) and entry.shipped}


def of(objective: str, seed: int = 42) -> Run:
    (run,) = (r for r in found().values() if (r.config["objective"], r.config["seed"]) == (objective, seed))
    return run


def test_every_recording_is_there_and_done() -> None:
    names = [runs.run_name("gan", recording.config) for recording in shipped.recordings("gan")]
    assert len(names) == len(set(names)) == 12
    assert set(names) == set(found())
    assert {run.status for run in found().values()} == {"done"}
    assert {run.config["objective"] for run in found().values()} == set(OBJECTIVES)


@pytest.mark.parametrize("run", found().values(), ids=lambda run: run.name)
def test_a_run_has_its_sheets_weights_and_records(run: Run) -> None:
    config, records = Config(**run.config), run.history()
    assert run.samples == list(range(0, config.iterations + 1, config.sheet_every))
    steps = [step for step in gan.WEIGHTS_AT if step <= config.iterations]
    assert run.steps == (steps if config.seed == 42 else steps[-1:])  # of the others the bands are shown
    assert [record["step"] for record in records] == list(range(0, config.iterations + 1, 100))
    assert [record["step"] for record in records if "frechet" in record] == run.samples
    assert cells(run.sample(run.samples[-1])).shape == (64, 1, 28, 28)
    assert (run.path / "history.jsonl").stat().st_size < 250_000


@pytest.mark.parametrize("run", found().values(), ids=lambda run: run.name)
def test_the_stored_figures_are_what_its_weights_give(run: Run) -> None:
    dataset = data.load("mnist")
    assert run.data["identity"] == dataset.identity
    measured = recorder.measure(run.path, gan, Config(**run.config), dataset)
    assert measured.keys() == run.metrics.keys()
    assert measured["digit_histogram"] == pytest.approx(run.metrics["digit_histogram"], abs=0.001)  # sums differ
    for name in ("digit_entropy", "certainty", "frechet"):  # between processors
        assert measured[name] == pytest.approx(run.metrics[name], rel=1e-3)


@pytest.mark.parametrize("seed", [42, 43, 44])
def test_the_courses_objective_ends_with_more_ones_and_less_variety(seed: int) -> None:
    bce, course_ = of("bce", seed).metrics, of("course", seed).metrics
    assert course_["digit_histogram"][1] > bce["digit_histogram"][1]
    assert course_["digit_entropy"] < bce["digit_entropy"]


def test_raw_log_is_bce_until_rounding_parts_them() -> None:
    pairs = list(zip(of("bce").history(), of("raw-log").history(), strict=True))
    apart = [abs(a.get("g_loss", 0) - b.get("g_loss", 0)) for a, b in pairs]
    assert max(apart[:4]) < 1e-4
    assert max(apart) > 0.01


def test_what_the_course_reported_stands_at_its_settings_alone() -> None:
    config = Config(objective="course", iterations=100_000, seed=7)
    assert course.share_of_ones(config) == 1.0
    for other in ({"objective": "bce"}, {"iterations": 20_000}, {"z": "sphere"}):
        assert course.share_of_ones(Config(**{**config.__dict__, **other})) is None
    assert set(course.GAN_NAMES) < set(OBJECTIVES)
    assert all(Config(**cure) != Config() for cure in course.GAN_CURES.values())


def test_they_are_small() -> None:
    files = (runs.shipped_dir() / "gan").rglob("*")
    assert sum(file.stat().st_size for file in files if file.is_file()) < MOST_BYTES


def test_headline_figures_are_json() -> None:
    for run in found().values():
        assert json.loads(json.dumps(run.metrics, allow_nan=False)) == run.metrics
        assert len(run.metrics["digit_histogram"]) == 10
