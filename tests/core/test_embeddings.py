"""core/embeddings and its layout modules: what is laid out, the records that come of it, what is read from a run."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from core import __main__ as command_line
from core import classifier, data, digits, embeddings, runs
from core.embeddings import EVERY, LAST, Config, layouts, making, measures, reading
from core.runs import Run, RunError, recorder

FEW = {"points": 300, "perplexity": 10.0, "iterations": 60}
NETWORK = runs.run_name("embeddings", Config())


def made(config: Config, home: Path) -> Run:
    """The run of a config, recorded in a folder of its own or found there."""
    path = home / "embeddings" / runs.run_name("embeddings", config)
    if not path.exists():
        lock = recorder.create(path, "embeddings", config)
        recorder.perform(path)
        lock.release()
    return runs.read(path)


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(autouse=True)
def own_runs(home, monkeypatch) -> None:
    monkeypatch.setenv("EXPLORER_RUNS", str(home))


@pytest.fixture(scope="module")
def unfolded(home) -> Run:
    """t-SNE of the shipped network's features."""
    return made(Config("tsne", **FEW), home)


@pytest.fixture(scope="module")
def grown(home) -> Run:
    """A small network of one's own, with weights of three epochs."""
    return made(Config(epochs=2, images=640), home)


@pytest.fixture(scope="module")
def epochs(home, grown) -> dict[str, Run]:
    """Its features after every epoch, by both methods."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_RUNS", str(home))
        subject = {"network": grown.name, "epoch": EVERY, **FEW}
        return {method: made(Config(method, **subject), home) for method in ("pca", "tsne")}


# The config

SAME = {  # settings that mean nothing to a kind of run
    "a training": ({}, {"network": "x", "layer": "conv1", "points": 77, "epoch": 3, "perplexity": 9.0}),
    "PCA": ({"layout": "pca"}, {"perplexity": 9.0, "iterations": 7, "exaggeration": 2.0, "init": "random", "seed": 1}),
    "a layout": ({"layout": "tsne"}, {"epochs": 1, "batch_size": 9, "lr": 0.1, "images": 5}),
    "pixels": ({"layout": "tsne", "layer": "pixels"}, {"epoch": 3}),
    "PCA of noise": ({"layout": "pca", "layer": "noise"}, {"epoch": EVERY, "perplexity": 9.0}),
    "a whole number": ({"layout": "tsne"}, {"perplexity": 30, "exaggeration": 12}),
}


@pytest.mark.parametrize("kind, without_meaning", SAME.values(), ids=SAME)
def test_what_means_nothing_to_a_run_does_not_change_its_name(kind, without_meaning):
    assert Config(**kind, **without_meaning) == Config(**kind)


DIFFERENT = [
    *({name: value} for name, value in (("epochs", 1), ("lr", 0.1), ("batch_size", 9), ("images", 5), ("seed", 1))),
    *({"layout": "pca", **change} for change in ({"layer": "conv1"}, {"points": 77}, {"epoch": 0}, {"network": "x"})),
    *({"layout": "tsne", **change} for change in ({"perplexity": 9.0}, {"iterations": 9}, {"exaggeration": 2.0},
                                                  {"init": "random"}, {"seed": 1})),
    {"layout": "pca", "layer": "noise", "seed": 1}, {"layout": "pca", "dataset": "fashion-mnist"},
]  # fmt: skip


@pytest.mark.parametrize("changes", DIFFERENT, ids=str)
def test_what_decides_the_numbers_is_in_the_name(changes):
    *common, last = changes.items()
    plain, changed = Config(**dict(common)), Config(**changes)
    assert runs.run_name("embeddings", changed) != runs.run_name("embeddings", plain)
    assert getattr(changed, last[0]) == last[1]
    assert Config(**dataclasses.asdict(changed)) == changed


REFUSED = {  # what is asked for, and words of the answer
    "unknown layout": ({"layout": "umap"}, ["'umap'", "none, pca, tsne"]),
    "unknown start": ({"init": "spectral"}, ["'spectral'", "pca, random"]),
    "perplexity of all points": ({"layout": "tsne", "points": 500, "perplexity": 500.0}, ["perplexity", "500"]),
    "perplexity above all points": ({"layout": "tsne", "points": 500, "perplexity": 900.0}, ["500", "900"]),
    "perplexity below one": ({"layout": "tsne", "perplexity": 0.5}, ["perplexity", "1"]),
    "no number for a perplexity": ({"layout": "tsne", "perplexity": math.nan}, ["perplexity", "nan"]),
    "no points": ({"layout": "pca", "points": 0}, ["points", "20"]),
    "no steps": ({"layout": "tsne", "iterations": 0}, ["iterations", "1"]),
    "weaker for exaggerated": ({"layout": "tsne", "exaggeration": 0.5}, ["exaggeration", "1"]),
    "an epoch before all": ({"layout": "pca", "epoch": -3}, ["epoch", "-2"]),
    "a path for a network": ({"layout": "pca", "network": "../x"}, ["network", "'../x'"]),
    "a path for a layer": ({"layout": "pca", "layer": "../x"}, ["layer", "'../x'"]),
    "a path for a data set": ({"dataset": "../x"}, ["dataset", "mnist"]),
    "half a point": ({"layout": "pca", "points": 20.5}, ["points", "int"]),
    "true for a seed": ({"seed": True}, ["seed", "True"]),
}


@pytest.mark.parametrize("changes, words", REFUSED.values(), ids=REFUSED)
def test_a_wrong_setting_is_refused_with_what_is_possible(changes, words):
    with pytest.raises(ValueError, match=r"\.$") as caught:
        Config(**changes)
    assert [word for word in words if word not in str(caught.value)] == []


def test_pca_does_not_mind_a_perplexity_above_its_points():
    assert Config("pca", points=25, perplexity=30.0).points == 25


# What cannot be laid out

IMPOSSIBLE = {  # settings of a layout → words of the answer
    "more images than there are": ({"points": 10_001}, "MNIST has 10000 test images, not 10001"),
    "a network that is not there": ({"network": "nothing"}, "There is no run 'nothing'"),
    "a layer that is not there": ({"layer": "conv9"}, "no layer 'conv9': choose one of pixels, conv1, conv2, conv3"),
    "an epoch that is not there": ({"epoch": 99}, "has no weights of epoch 99, only of 0, 1, 2"),
    "a network of other images": ({"dataset": "fashion-mnist"}, "was trained on MNIST, so it cannot be asked about"),
    "a classifier of other images": (
        {"network": runs.run_name("classifier", classifier.Config())}, "was trained on CIFAR-10"
    ),
    "a classifier whose images are not here": (
        {"network": runs.run_name("classifier", classifier.Config()), "dataset": "cifar10"}, "is not on this machine"
    ),
}  # fmt: skip


@pytest.mark.parametrize("method", ["pca", "tsne"])
@pytest.mark.parametrize("settings, words", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_be_laid_out_ends_in_a_sentence(settings, words, method, tmp_path):
    run = made(Config(method, **settings), tmp_path)
    assert (run.status, run.steps) == ("failed", [])
    assert words in run.reason
    assert run.reason.endswith(("it.", "."))


def test_a_layout_is_no_network(unfolded):
    with pytest.raises(RunError, match="not one of a network"):
        embeddings.load_data(Config("pca", network=unfolded.name))


def test_a_network_that_is_still_trained_has_single_epochs_alone(grown, home):
    stored = json.loads((grown.path / "run.json").read_text())
    half = home / "embeddings" / "half"
    half.mkdir()
    for part in ("snapshots", "history.jsonl"):
        (half / part).symlink_to(grown.path / part)
    (half / "run.json").write_text(json.dumps({**stored, "status": "stopped"}))
    for epoch in (LAST, EVERY):
        with pytest.raises(RunError, match=r"half is stopped, .* choose one of those that it has \(0, 1, 2\)"):
            embeddings.load_data(Config("pca", network="half", epoch=epoch))
    assert embeddings.load_data(Config("pca", network="half", epoch=1)).epochs == {1: 10}


def test_features_that_tell_no_images_apart_are_refused(grown, monkeypatch):
    subject = embeddings.load_data(Config("pca", network=grown.name, points=30))
    for value in (1.0, math.nan):
        monkeypatch.setattr(digits, "features", lambda *_, value=value: np.full((30, 4), value, np.float32))
        with pytest.raises(ValueError, match="nothing to lay out"):
            subject.checked_features(2)


# What is laid out


def test_the_features_are_those_of_the_network_after_its_epoch(grown):
    images, kept = data.load("mnist").test.images[:40], grown.steps
    subject = embeddings.load_data(Config("pca", network=grown.name, points=40, epoch=EVERY))
    assert subject.epochs == {0: 0, 1: 10, 2: 20}
    for epoch, step in subject.epochs.items():
        model = digits.restore(grown.weights(step))
        np.testing.assert_array_equal(subject.features(epoch), digits.features(model, "features", images))
        called, certainty = subject.answers(epoch)
        expected = classifier.logits(model, images).softmax(1)
        assert called.tolist() == expected.argmax(1).tolist()
        np.testing.assert_allclose(certainty, expected.max(1).values, rtol=1e-5)
    assert kept == [0, 10, 20]
    np.testing.assert_array_equal(subject.labels, data.load("mnist").test.labels[:40])


def test_last_is_the_last_epoch_and_no_network_is_the_shipped_one():
    last, ten = (embeddings.load_data(Config("pca", points=20, epoch=epoch)) for epoch in (LAST, 10))
    assert last.network.name == ten.network.name == NETWORK
    assert last.network.shipped
    np.testing.assert_array_equal(last.features(10), ten.features(10))


def test_pixels_are_those_of_the_images_and_noise_is_none():
    pixels, noise, other = (embeddings.load_data(Config("tsne", layer=layer, points=500, seed=seed))
                            for layer, seed in (("pixels", 1), ("noise", 1), ("noise", 2)))  # fmt: skip
    np.testing.assert_allclose(pixels.features(10) * 255, pixels.images.reshape(500, -1), atol=1e-4)
    drawn = noise.features(10)
    assert drawn.shape == (500, 64)
    assert (abs(drawn.mean()), drawn.std()) == (pytest.approx(0, abs=0.02), pytest.approx(1, abs=0.02))
    np.testing.assert_array_equal(drawn, noise.features(10))
    assert not np.allclose(drawn, other.features(10))
    assert pixels.answers(10)[0].tolist() == noise.answers(10)[0].tolist()


def test_a_classifier_can_be_laid_out(tmp_path):
    name = runs.run_name("classifier", classifier.Config(dataset="mnist"))
    run = made(Config("pca", network=name, layer="conv3", points=200), tmp_path)
    assert run.status == "done"
    assert reading.features(run).shape == (200, 288)
    assert run.metrics["knn_original"] > 0.85


def test_the_identity_is_that_of_the_images_and_of_the_weights(grown):
    subjects = [embeddings.load_data(Config("pca", network=name, points=20, epoch=epoch))
                for name, epoch in ((grown.name, 1), (grown.name, 2), ("", 2))]  # fmt: skip
    assert len({subject.identity for subject in subjects}) == 3
    assert {subject.identity[:16] for subject in subjects} == {data.load("mnist").identity}


# The records


def test_a_record_and_a_snapshot_come_every_tenth_step(unfolded):
    assert (unfolded.status, unfolded.reason) == ("done", "")
    history = unfolded.history()
    assert [record["step"] for record in history] == unfolded.steps == list(range(0, 61, 10))
    assert {(record["steps"], record["epoch"]) for record in history} == {(60, 10)}
    assert ["kl" in record for record in history] == [False] + [True] * 6
    assert ["trustworthiness" in record for record in history] == [False] * 6 + [True]
    assert history[-1]["kl"] < history[1]["kl"]


def test_the_last_record_holds_the_metrics_of_the_run(unfolded, epochs):
    for run, own in ((unfolded, "kl"), (epochs["tsne"], "kl"), (epochs["pca"], "explained")):
        assert set(run.metrics) == {"trustworthiness", "knn_plane", "knn_original", own}
        assert {name: run.history()[-1][name] for name in run.metrics} == run.metrics
        features, points = reading.features(run), reading.points(run)
        measured = measures.quality(features, points.places, points.labels)
        assert measured == {name: run.metrics[name] for name in measured}


def test_every_epoch_has_one_snapshot_and_its_quality(epochs, grown):
    for method, run in epochs.items():
        assert (run.status, run.steps) == ("done", [0, 1, 2])
        finished = [record for record in run.history() if "trustworthiness" in record]
        assert [[record[name] for name in ("step", "steps", "epoch")] for record in finished] == [
            [0, 2, 0], [1, 2, 1], [2, 2, 2]
        ]  # fmt: skip
        going = [record.get("iteration") for record in run.history() if record not in finished]
        assert going == ([0, 50] * 3 if method == "tsne" else [])
        for step in run.steps:
            model = digits.restore(grown.weights(10 * step))
            called = classifier.logits(model, data.load("mnist").test.images[:300]).argmax(1)
            assert reading.points(run, step).called.tolist() == called.tolist()


def test_the_epochs_of_a_layout_are_turned_to_match(epochs):
    for run in epochs.values():
        places = [reading.points(run, step).places.astype(float) for step in run.steps]
        for one, other in itertools.pairwise(places):
            apart = np.square(layouts.align(other, one) - one).sum() / np.square(other - one).sum()
            assert apart == pytest.approx(1, abs=1e-3)  # no turn brings them nearer


def test_turning_leaves_the_quality_of_each_epoch_as_it_is(epochs):
    features = reading.features(epochs["pca"], 2)
    own = next(layouts.pca(features)).places
    assert measures.explained(features, own) == pytest.approx(epochs["pca"].metrics["explained"], rel=1e-3)


def test_beginning_from_the_epoch_before_keeps_points_in_place_and_the_divergence_low(epochs):
    run = epochs["tsne"]
    before, chained = (reading.points(run, step).places for step in (1, 2))
    *_, own = layouts.tsne(reading.features(run, 2), 10, 60)
    alone = layouts.align(own.places, before)
    assert np.linalg.norm(chained - before, axis=1).mean() < np.linalg.norm(alone - before, axis=1).mean()
    assert run.metrics["kl"] < own.kl * 1.05


def test_the_command_gives_identical_coordinates_twice(tmp_path, capsys):
    asked = ["train", "embeddings", "--layout", "tsne", "--points", "200", "--perplexity", "10", "--iterations", "30"]
    states = []
    for folder in ("first", "second"):
        assert command_line.main([*asked, "--seed", "1", "--out", str(tmp_path / folder)]) == 0
        states.append(runs.read(tmp_path / folder))
    assert states[0].checksums == states[1].checksums
    assert runs.first_difference(*states) is None
    assert "trustworthiness" in capsys.readouterr().out
    assert command_line.main([*asked, "--seed", "2", "--out", str(tmp_path / "other")]) == 0
    assert runs.read(tmp_path / "other").checksums != states[0].checksums


def test_records_are_plain_values_for_json(grown):
    config = Config("tsne", network=grown.name, points=50, perplexity=5.0, iterations=10)
    for record in embeddings.train(config, embeddings.load_data(config)):
        values = dataclasses.asdict(record)
        assert json.loads(json.dumps(values, allow_nan=False)) == values
        assert {type(v) for v in values.values()} <= {int, float, list, type(None)}


def test_modes_do_not_leak_to_whoever_reads_the_records(grown):
    config = Config("tsne", network=grown.name, points=50, perplexity=5.0, iterations=10)
    for _ in embeddings.train(config, embeddings.load_data(config)):
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()


def test_a_recorded_layout_is_measured_as_it_was(unfolded):
    config = Config(**unfolded.config)
    assert recorder.measure(unfolded.path, embeddings, config, embeddings.load_data(config)) == unfolded.metrics


NO_LAYOUTS = {
    "nothing": {},
    "places alone": {"places": torch.zeros(3, 2)},
    "five dimensions": {"places": torch.zeros(3, 5), "called": torch.zeros(3), "certainty": torch.zeros(3)},
}


@pytest.mark.parametrize("state", NO_LAYOUTS.values(), ids=NO_LAYOUTS)
def test_what_is_no_layout_is_refused(state):
    with pytest.raises(RunError, match="not that of a layout"):
        embeddings.restore(Config("pca"), state)


# Reading a run


def test_the_points_are_what_was_recorded(unfolded):
    points, dataset = reading.points(unfolded), data.load("mnist")
    assert [each.dtype for each in (points.places, points.labels, points.called, points.certainty)] == [
        np.float32, np.int64, np.int64, np.float32
    ]  # fmt: skip
    np.testing.assert_array_equal(points.labels, dataset.test.labels[:300])
    assert points.classes == dataset.classes
    assert (points.called == points.labels).mean() > 0.97
    assert 0.9 < points.certainty.mean() <= 1
    first = reading.points(unfolded, 0)
    assert np.abs(first.places).max() < 0.01 < np.abs(points.places).max()
    *_, last = layouts.tsne(reading.features(unfolded), 10, 60)
    np.testing.assert_allclose(points.places, last.places, rtol=1e-3, atol=1e-3)  # half precision


def test_neighbours_are_read_in_both_spaces(unfolded):
    features, points = reading.features(unfolded), reading.points(unfolded)
    near = reading.nearest(unfolded, 7)
    assert near.shape == (300, 7)
    for index in (0, 123):
        found = reading.neighbours(unfolded, index, 7)
        assert found == measures.neighbours(features, points.places, index, 7)
        assert found.original == near[index].tolist()
    with pytest.raises(ValueError, match=r"no point 300: choose one from 0 to 299\."):
        reading.neighbours(unfolded, 300)


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_images_that_are_in_a_layout_are_placed_near_to_where_they_are(method, epochs):
    run, images = epochs[method], data.load("mnist").test.images[:20]
    for step in (0, 2):
        points, placed = reading.points(run, step), reading.place(run, images, step)
        assert np.linalg.norm(placed.places - points.places[:20], axis=1).max() < 0.1 * np.ptp(points.places)
        assert placed.called.tolist() == points.called[:20].tolist()
        np.testing.assert_allclose(placed.certainty, points.certainty[:20], atol=1e-3)
        assert placed.neighbours.shape == (20, 10)
        assert placed.neighbours[:, 0].tolist() == list(range(20))


def test_new_images_land_among_their_kind(unfolded):
    test = data.load("mnist").test
    placed, points = reading.place(unfolded, test.images[5000:5040]), reading.points(unfolded)
    apart = np.linalg.norm(placed.places[:, None] - points.places, axis=2)
    nearest = points.labels[apart.argsort(axis=1)[:, :5]]
    assert np.mean(nearest == test.labels[5000:5040, None]) > 0.85
    assert (placed.called == test.labels[5000:5040]).mean() > 0.95


WRONG_IMAGES = {
    "of another size": np.zeros((1, 1, 32, 32), np.uint8),
    "in colour": np.zeros((1, 3, 28, 28), np.uint8),
    "of another kind": np.zeros((1, 1, 28, 28), np.float32),
    "without a number": np.zeros((1, 28, 28), np.uint8),
    "none": np.zeros((0, 1, 28, 28), np.uint8),
}


@pytest.mark.parametrize("images", WRONG_IMAGES.values(), ids=WRONG_IMAGES)
def test_wrong_images_are_not_placed(images, unfolded):
    with pytest.raises(ValueError, match=r"Only images of shape \(1, 28, 28\) \(uint8\) have a place"):
        reading.place(unfolded, images)


def test_noise_has_neighbours_but_no_place_for_an_image(tmp_path):
    run = made(Config("pca", layer="noise", points=100), tmp_path)
    assert run.metrics["knn_plane"] < 0.3
    assert len(reading.neighbours(run, 0).original) == 10
    with pytest.raises(ValueError, match="layout of noise"):
        reading.place(run, data.load("mnist").test.images[:1])


def test_what_is_no_layout_cannot_be_read(grown):
    for read in (reading.points, reading.features, reading.nearest):
        with pytest.raises(RunError, match="is not a layout"):
            read(grown)


def test_a_network_that_was_trained_anew_is_noticed(epochs):
    stored = json.loads((epochs["pca"].path / "run.json").read_text())
    other = dataclasses.replace(epochs["pca"], data={**stored["data"], "identity": "0" * 25})
    with pytest.raises(RunError, match="not the same any more"):
        reading.features(other)


# A network that is being trained


def test_a_glimpse_of_every_epoch_is_its_pca_turned_to_match(grown, epochs):
    glimpses = reading.glimpses(grown, 300)
    assert [glimpse.epoch for glimpse in glimpses] == [0, 1, 2]
    for glimpse, step in zip(glimpses, epochs["pca"].steps, strict=True):
        recorded = reading.points(epochs["pca"], step)
        np.testing.assert_allclose(glimpse.points.places, recorded.places, atol=2e-3 * np.abs(recorded.places).max())
        assert glimpse.points.called.tolist() == recorded.called.tolist()
    assert glimpses[-1].knn == pytest.approx(epochs["pca"].metrics["knn_plane"], abs=0.02)
    assert reading.glimpses(grown, 300)[1] is glimpses[1]


# The whole


def test_training_separates_the_classes(epochs):
    first, *_, last = (record for record in epochs["tsne"].history() if "knn_plane" in record)
    assert last["knn_plane"] > first["knn_plane"] + 0.1


def test_a_layout_is_one_of_the_projects_runs(unfolded, capsys):
    assert command_line.main(["runs", "--json"]) == 0
    listed = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert listed[NETWORK]["metrics"]["test_accuracy"] >= 0.99
    assert listed[unfolded.name]["metrics"] == unfolded.metrics
    assert listed[unfolded.name]["data"]["identity"].startswith(data.load("mnist").identity)
    assert making.snapshots(runs.find(NETWORK)) == {epoch: 938 * epoch for epoch in range(11)}
