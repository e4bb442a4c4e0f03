"""The embeddings that come with the project: all there, whole, small, and as good as the page says they are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from core import data, embeddings, runs, shipped
from core.embeddings import EVERY, Config, layouts, reading
from core.runs import Run, recorder

MOST_BYTES = 5 * 2**20  # of the 60 MB for all topics
SEEDS = (42, 43, 44)
NOISE = (2.0, 5.0, 30.0, 100.0)  # perplexities


def of(*settings, **named) -> Run:
    """The shipped run with these settings."""
    return runs.read(runs.shipped_dir() / "embeddings" / runs.run_name("embeddings", Config(*settings, **named)))


def test_every_recording_is_there_and_done() -> None:
    names = [runs.run_name("embeddings", recording.config) for recording in shipped.recordings("embeddings")]
    assert len(names) == len(set(names)) == 1 + 3 + 12 + 12 + 4 + 12
    found = runs.listing("embeddings", runs.shipped_dir())
    assert sorted(names) == sorted(run.name for run in found)
    assert {run.status for run in found} == {"done"}


def test_the_network_reads_more_than_99_of_100_digits() -> None:
    run, dataset = of(), data.load("mnist")
    assert run.metrics["test_accuracy"] >= 0.992
    assert [record["epoch"] for record in run.history() if "test_accuracy" in record] == list(range(11))
    assert len(run.steps) == 11
    measured = recorder.measure(run.path, embeddings, Config(), dataset)
    assert measured["test_accuracy"] == run.metrics["test_accuracy"]
    assert measured["test_loss"] == pytest.approx(run.metrics["test_loss"], rel=1e-5)  # sums differ between processors


def test_the_layouts_are_of_that_network_and_can_be_read() -> None:
    for recording in shipped.recordings("embeddings")[1:]:
        run = runs.read(runs.shipped_dir() / "embeddings" / runs.run_name("embeddings", recording.config))
        assert run.data["identity"] == embeddings.load_data(recording.config).identity
        assert run.steps == (list(range(11)) if recording.config.epoch == EVERY else [run.history()[-1]["step"]])
        points = reading.points(run)
        assert points.places.shape == (recording.config.points, 2)
        assert np.isfinite(points.places).all()
        assert {"trustworthiness", "knn_plane", "knn_original"} < set(run.history()[-1])
        assert {name: run.history()[-1][name] for name in run.metrics} == run.metrics


@pytest.mark.parametrize("seed", SEEDS)
def test_t_sne_keeps_the_classes_apart_that_the_network_has_learned(seed: int) -> None:
    """At the usual perplexity; the others make the point that it matters."""
    trained, pixels = of("tsne", epoch=EVERY, seed=seed), of("tsne", layer="pixels", seed=seed)
    untrained = trained.history()[[record["step"] for record in trained.history()].index(1) - 1]
    assert trained.metrics["knn_plane"] >= 0.98
    assert untrained["knn_plane"] < pixels.metrics["knn_plane"] < trained.metrics["knn_plane"] - 0.05
    assert pixels.metrics["knn_plane"] > pixels.metrics["knn_original"] - 0.02  # no worse than the pixels themselves


def test_t_sne_shows_more_than_pca() -> None:
    for subject in ({"epoch": EVERY}, {"layer": "pixels"}):
        tsne, pca = of("tsne", **subject).metrics, of("pca", **subject).metrics
        assert tsne["knn_plane"] > pca["knn_plane"] + 0.1
        assert tsne["trustworthiness"] > pca["trustworthiness"] + 0.05


def test_noise_shows_no_classes() -> None:
    for run in (of("pca", layer="noise"), *map(noise, NOISE)):
        assert 0.05 < run.metrics["knn_plane"] < 0.16


def noise(perplexity: float) -> Run:
    return of("tsne", layer="noise", perplexity=perplexity, points=500)


def test_noise_falls_into_clumps_at_a_low_perplexity_and_lies_evenly_at_a_high_one() -> None:
    """By the ratio of Clark and Evans (1954): the mean distance to the nearest point over that of points by chance."""
    low, _, *high = (evenness(reading.points(noise(perplexity)).places) for perplexity in NOISE)
    assert low < 0.7
    assert all(0.95 < ratio < 1.1 for ratio in high)


def evenness(places: np.ndarray) -> float:
    places = places.astype(float)
    apart = np.linalg.norm(places[:, None] - places, axis=-1)
    np.fill_diagonal(apart, np.inf)
    radius = np.quantile(np.linalg.norm(places - places.mean(axis=0), axis=1), 0.95)
    by_chance = 0.5 * np.sqrt(np.pi * radius**2 / (0.95 * len(places)))
    return float(apart.min(axis=1).mean() / by_chance)


def test_motion_from_epoch_to_epoch_is_not_the_seeds() -> None:
    """Neighbouring epochs lie near to one another once the network has learned something."""
    run = of("tsne", epoch=EVERY)
    places = [reading.points(run, step).places.astype(float) for step in run.steps]
    moved = [np.linalg.norm(b - a, axis=1).mean() / a.std() for a, b in itertools.pairwise(places)]
    assert max(moved[2:]) < 0.4 < moved[0]
    random = [reading.points(of("tsne", init="random", seed=seed)).places.astype(float) for seed in (42, 43)]
    assert np.linalg.norm(layouts.align(random[1], random[0]) - random[0], axis=1).mean() / random[0].std() > 0.4


def test_they_are_small() -> None:
    files = (runs.shipped_dir() / "embeddings").rglob("*")
    assert sum(file.stat().st_size for file in files if file.is_file()) < MOST_BYTES


def test_layouts_of_the_same_features_share_their_neighbours() -> None:
    pca, near, far = (runs.of("embeddings", Config(epoch=EVERY, **how)) for how in
                      ({"layout": "pca"}, {"layout": "tsne", "perplexity": 5.0}, {"layout": "tsne"}))  # fmt: skip
    assert reading.nearest(pca, 8, 3) is reading.nearest(near, 8, 3) is reading.nearest(far, 8, 3)
    assert (reading.nearest(near, 8, 3) != reading.nearest(near, 8, 0)).any()
