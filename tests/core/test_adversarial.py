"""core/adversarial: a training equal to a naive one, networks that are what they say, and attacks that teach."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core import adversarial, data, digits, embeddings, runs
from core.adversarial import Config, Progress, attackable, measures
from core.adversarial.attacks import named, perturb
from core.adversarial.course_cnn import BIAS, DROPPED, INITIALS, STD, CourseCNN, Dropout
from core.adversarial.measures import ROBUST, course_runs, robust_accuracy
from core.adversarial.rates import accuracy
from core.adversarial.traces import start, unbounded
from core.data import Dataset, Split
from core.rng import generator, initialise
from core.runs import Diverged, RunError, recorder


def cut(dataset: Dataset, train: int, test: int) -> Dataset:
    """The first images of a data set, with the normalisation of all."""
    first = (Split(s.images[:n], s.labels[:n]) for s, n in ((dataset.train, train), (dataset.test, test)))
    return dataclasses.replace(dataset, **dict(zip(("train", "test"), first, strict=True)))


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    return cut(data.load("mnist"), 3000, 500)


@pytest.fixture(scope="module")
def tiny(mnist: Dataset) -> Dataset:
    return cut(mnist, 50, 20)


SMALL = {"model": "small", "batch_size": 20, "lr": 0.002}


# Settings


@pytest.mark.parametrize(
    "settings, words",
    [({"model": "huge"}, "model 'huge' is unknown: choose one of large, small"),
     ({"initial": "zeros"}, "initial 'zeros' is unknown: choose one of course, pytorch"),
     ({"rate": "up"}, "rate 'up' is unknown: choose one of constant, falling"),
     ({"lr": math.nan}, "lr must be between"), ({"iterations": 0}, "iterations must be between 1 and"),
     ({"epsilon": 1.5}, "epsilon must be between 0 and 1"), ({"epsilon": -0.1}, "epsilon must be between 0 and 1"),
     ({"iterations": 2.5}, "iterations must be of type int"), ({"seed": True}, "seed must be of type int")],
    ids=str)  # fmt: skip
def test_settings_that_mean_nothing_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        Config(**settings)


def test_one_run_has_one_name():
    assert Config(lr=1) == Config(lr=1.0)
    assert Config("small", initial="pytorch") == Config("small")
    assert Config(attack_steps=9) == Config()
    assert Config(epsilon=0.1, attack_steps=9) != Config(epsilon=0.1)
    names = [runs.run_name("adversarial", config).rpartition("-")[0] for _, config in attackable.NETWORKS.values()]
    assert names == [
        "adversarial-large-course-lr0.0001-i1000-s42", "adversarial-large-pytorch-lr0.0001-i1000-s42",
        "adversarial-large-pytorch-lr0.0001-i6000-s42", "adversarial-small-lr0.002-i9380-s42",
        "adversarial-small-lr0.002-i9380-eps0.3-s42",
    ]  # fmt: skip


def test_the_topic_is_known():
    assert recorder.lab("adversarial") is adversarial
    assert adversarial.load_data(Config()).name == "mnist"


# The course's network


def test_the_courses_network_has_the_shapes_it_says():
    model, x, shapes = CourseCNN(10), torch.rand(2, 1, 28, 28), []
    for layer in model:
        x = layer(x)
        shapes.append(tuple(x.shape[1:]))
    maps = [(32, 28, 28), (32, 28, 28), (32, 14, 14), (64, 14, 14), (64, 14, 14), (64, 7, 7)]
    assert shapes == [*maps, (3136,), (1024,), (1024,), (1024,), (10,)]
    assert sum(p.numel() for p in model.parameters()) == 3_274_634


def test_its_initial_weights_are_the_courses(tiny):
    model = adversarial.build(Config(), tiny)
    for layer in model:
        if isinstance(layer, nn.Linear | nn.Conv2d):
            assert layer.bias.eq(BIAS).all()
            assert layer.weight.abs().max() <= 2 * STD
            assert layer.weight.std().item() == pytest.approx(0.88 * STD, rel=0.1)  # of a normal cut at two deviations
    other, plain = adversarial.build(Config(seed=43), tiny), adversarial.build(Config(initial="pytorch"), tiny)
    assert not torch.equal(model[0].weight, other[0].weight)
    expected = CourseCNN(10)
    initialise(expected, generator(42, "weights"))
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), expected.parameters(), strict=True))
    assert model[7].weight.std() > 8 * plain[7].weight.std()  # what makes it steep
    assert set(INITIALS) == {"course", "pytorch"}


def test_dropout_drops_its_share_in_training_alone():
    layer, x = Dropout(DROPPED), torch.ones(100, 100)
    layer.rng = generator(0, "dropout")
    once = layer(x)
    assert once.eq(0).double().mean().item() == pytest.approx(DROPPED, abs=0.02)
    assert once[once != 0].unique().tolist() == pytest.approx([1 / (1 - DROPPED)])
    assert not torch.equal(once, layer(x))
    layer.rng = generator(0, "dropout")
    assert torch.equal(once, layer(x))
    assert layer.eval()(x) is x


@pytest.mark.parametrize("config", [Config(), Config("small")], ids=["large", "small"])
def test_a_restored_network_gives_the_same_answers_and_is_frozen(config, tiny):
    model = adversarial.build(config, tiny)
    restored = adversarial.restore(config, model.state_dict())
    x = torch.rand(3, 1, 28, 28)
    assert torch.equal(restored(x), model.eval()(x))
    assert not restored.training
    assert not any(p.requires_grad for p in restored.parameters())


def test_weights_of_another_network_are_refused(tiny):
    large, small = (adversarial.build(config, tiny).state_dict() for config in (Config(), Config("small")))
    with pytest.raises(RunError, match="not those of the course's network"):
        adversarial.restore(Config(), small)
    with pytest.raises(RunError, match="not those of the network for digits"):
        adversarial.restore(Config("small"), large)
    with pytest.raises(RunError, match="not those of the course's network"):
        adversarial.restore(Config(), {})


# Training


def naive(config: Config, dataset: Dataset) -> tuple[list[float], list[torch.Tensor]]:
    """The loss of each step and the last weights of a loop as in a tutorial."""
    model = adversarial.build(config, dataset)
    for layer in model:
        if isinstance(layer, Dropout):
            layer.rng = generator(config.seed, "dropout")
    optimizer = torch.optim.Adam(model.parameters(), config.lr, foreach=False)
    order, rng = generator(config.seed, "batches"), generator(config.seed, "attack")
    x_all, y_all = torch.tensor(dataset.train.images).float() / 255, torch.tensor(dataset.train.labels)
    losses, step = [], 0
    while step < config.iterations:
        for batch in torch.randperm(len(x_all), generator=order).split(config.batch_size):
            x, y = x_all[batch], y_all[batch]
            if config.epsilon:
                epsilon = config.epsilon * min(1, step / (0.3 * config.iterations))
                model.eval().requires_grad_(False)
                x = perturb(model, x, y, named("pgd", epsilon, config.attack_steps, targeted=False), rng)
                model.train().requires_grad_(True)
            if config.rate == "falling":
                optimizer.param_groups[0]["lr"] = config.lr * (1 - step / config.iterations)
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            step += 1
            if step == config.iterations:
                break
    return losses, list(model.parameters())


CASES = {
    "small": Config(**SMALL, iterations=7, rate="falling"),
    "small, attacked": Config(**SMALL, iterations=7, epsilon=0.2, attack_steps=2),
    "large": Config(iterations=4, batch_size=20),
    "large, attacked": Config(iterations=4, batch_size=20, epsilon=0.2, attack_steps=1, initial="pytorch"),
}


@pytest.mark.parametrize("config", CASES.values(), ids=CASES)
def test_every_step_equals_that_of_a_naive_loop(config, tiny, monkeypatch):
    monkeypatch.setattr(adversarial, "RECORD_EVERY", 1)
    model = adversarial.build(config, tiny)
    records = [record for record in adversarial.train(config, tiny, model) if record.step]
    expected, weights = naive(config, tiny)
    assert [record.step for record in records] == list(range(1, config.iterations + 1))
    assert [record.loss for record in records] == pytest.approx(expected, rel=2e-3, abs=2e-3)
    start = adversarial.build(config, tiny)
    for ours, theirs, before in zip(model.parameters(), weights, start.parameters(), strict=True):
        assert (ours - theirs).norm() < 0.05 * (ours - before).norm()


def test_records_tell_what_was_measured_and_when(mnist, monkeypatch):
    monkeypatch.setattr(adversarial, "RECORD_EVERY", 400)
    monkeypatch.setattr(adversarial, "TEST_EVERY", 1000)
    config = Config("small", iterations=13, batch_size=200, lr=0.002, epsilon=0.3, attack_steps=1)
    model = adversarial.build(config, mnist)
    records = []
    for record in adversarial.train(config, mnist, model):
        records.append(record)
        assert model.training  # as its consumer left it
        assert all(p.requires_grad for p in model.parameters())
    assert [r.step for r in records] == [0, 0, 2, 4, 5, 6, 8, 10, 12, 13]
    tested = [r for r in records if r.test_accuracy is not None]
    assert [r.step for r in tested] == [0, 5, 10, 13]
    assert all(r.pgd_accuracy is not None for r in tested)
    assert [r.step for r in records if r.snapshot] == [13]
    assert [r.epsilon for r in records[2:4]] == pytest.approx([0.3 / 3.9, 0.3 * 3 / 3.9])
    assert records[-1].epsilon == 0.3
    assert records[0].loss is not None  # a point for the chart before anything is tested
    assert json.loads(json.dumps(dataclasses.asdict(records[-1]), allow_nan=False))
    assert records[-1].epoch == pytest.approx(13 / 15)


def test_training_beats_the_untrained_network_and_repeats_exactly(mnist):
    config = Config("small", iterations=100, batch_size=60, lr=0.002)
    models = [adversarial.build(config, mnist) for _ in "ab"]
    first, second = (list(adversarial.train(config, mnist, model)) for model in models)
    assert first == second
    assert all(torch.equal(p, q) for p, q in zip(*(model.parameters() for model in models), strict=True))
    assert first[1].test_accuracy < 0.3 < 0.7 < first[-1].test_accuracy


def test_the_small_network_is_trained_as_that_of_the_embeddings(mnist):
    """With falling rate and whole epochs the loops are one, so that the shipped networks are the same."""
    config = Config("small", iterations=100, batch_size=60, lr=0.002, rate="falling")
    ours, theirs = adversarial.build(config, mnist), digits.build(42, mnist)
    list(adversarial.train(config, mnist, ours))
    list(digits.train(embeddings.Config(epochs=2, batch_size=60), mnist, theirs))
    assert all(torch.equal(p, q) for p, q in zip(ours.parameters(), theirs.parameters(), strict=True))


def test_under_attack_it_learns_to_stand_attacks(mnist):
    settings = {"model": "small", "iterations": 200, "batch_size": 60, "lr": 0.003, "rate": "falling"}
    standing = {}
    for epsilon in (0.0, 0.15):
        model = adversarial.build(Config(**settings, epsilon=epsilon), mnist)
        list(adversarial.train(Config(**settings, epsilon=epsilon, attack_steps=3), mnist, model))
        frozen = model.eval().requires_grad_(False)
        x, labels = measures.first_images(frozen, mnist.test, 300)
        attack = named("pgd", 0.1, 10, targeted=False)
        standing[epsilon] = accuracy(frozen, x, labels, attack)
    assert standing[0.15] > standing[0.0] + 0.2


def test_a_loss_without_bounds_is_reported(tiny):
    with pytest.raises(Diverged, match="try a lower learning rate"):
        list(adversarial.train(Config("small", iterations=400, batch_size=10, lr=100.0), tiny, Explodes()))


class Explodes(digits.DigitCNN):
    def __init__(self):
        super().__init__(10, (0.1,), (0.3,))

    def forward(self, x):
        return super().forward(x) * (math.inf if self[1].weight.abs().max() > 1 else 1)


# Figures


def test_the_figures_are_plain_values_and_mean_what_they_say(monkeypatch, judge):
    for name, fewer in (("ROBUST_IMAGES", 30), ("MATRIX_IMAGES", 60), ("CURVE_IMAGES", 60)):
        monkeypatch.setattr(measures, name, fewer)
    mnist = cut(data.load("mnist"), 100, 600)
    found = adversarial.measure(judge, mnist)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert list(found) == [
        "test_accuracy", "test_loss", "pgd_accuracy", "certainty_four", "certainty_noise", "certainty_zeros",
        "steepness_four", "steepness_noise", "steepness_zeros", "matrix", "curves",
    ]  # fmt: skip
    assert found["test_accuracy"] > 0.97
    assert found["pgd_accuracy"] == 0
    assert found["certainty_four"] > 0.3
    assert np.shape(found["matrix"]) == (10, 10)
    assert {len(curve) for curve in found["curves"].values()} == {10}
    assert found["curves"]["fgsm"][0] >= 0.98


def test_certainties_are_means_over_the_courses_runs(mnist, judge):
    found = course_runs(judge, mnist.test)
    x, labels = measures.first_images(judge, mnist.test, 500)
    fours, course = x[labels == 4][:50], named("course")
    noise = torch.stack([torch.from_numpy(start("noise", (1, 28, 28), seed)) for seed in range(20)])
    cases = {"four": (fours, course), "noise": (noise, unbounded(course)), "zeros": (x[:1] * 0, unbounded(course))}
    for name, (images, attack) in cases.items():
        nines = torch.full((len(images),), 9)
        certainty = judge(perturb(judge, images, nines, attack)).softmax(1)[:, 9]
        assert found[f"certainty_{name}"] == pytest.approx(certainty.mean().item(), abs=0.01)


def test_steepness_foretells_a_small_step(mnist, judge):
    x, labels = measures.first_images(judge, mnist.test, 500)
    fours = x[labels == 4][:50] * 0.98 + 0.01  # so that nothing is clipped
    nines, size = torch.full((len(fours),), 9), 1e-4
    after = perturb(judge, fours, nines, named("fgsm", size))
    losses = [F.cross_entropy(judge(images), nines).item() for images in (fours, after)]
    steepness = course_runs(judge, mnist.test)["steepness_four"]
    assert (losses[0] - losses[1]) / size == pytest.approx(steepness, rel=0.1)


def test_a_plain_network_stands_no_strong_attack(mnist, judge):
    assert robust_accuracy(judge, mnist.test, 50) == 0
    assert (ROBUST.norm, ROBUST.epsilon, ROBUST.steps, ROBUST.random_start) == ("linf", 0.3, 40, True)


def test_a_record_is_kept_with_its_last_weights_and_figures(tmp_path, monkeypatch):
    for name, fewer in (("ROBUST_IMAGES", 5), ("MATRIX_IMAGES", 10), ("CURVE_IMAGES", 5), ("FOURS", 2), ("NOISES", 2)):
        monkeypatch.setattr(measures, name, fewer)
    monkeypatch.setattr(adversarial, "load_data", lambda config: cut(data.load("mnist"), 400, 40))
    config = Config("small", iterations=5, batch_size=50, lr=0.002)
    path = tmp_path / "adversarial" / runs.run_name("adversarial", config)
    lock = recorder.create(path, "adversarial", config)
    run = recorder.perform(path)
    lock.release()
    assert (run.status, run.reason, run.steps) == ("done", "", [5])
    assert recorder.measure(path, adversarial, config, adversarial.load_data(config)) == run.metrics
    assert Progress(**{k: v for k, v in run.history()[-1].items() if k != "seconds"}).snapshot
