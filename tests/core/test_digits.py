"""core/digits: the network, its training, and features that are what the layers answer."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core import classifier, data, digits, embeddings
from core.classifier import CNNBasic
from core.data import Dataset, Split
from core.data.dataset import describe
from core.embeddings import Config
from core.rng import generator
from core.runs import Diverged, RunError


def small(dataset: Dataset, train: int, test: int) -> Dataset:
    """The first images of a data set, with the normalisation of all."""
    first = (Split(s.images[:n], s.labels[:n]) for s, n in ((dataset.train, train), (dataset.test, test)))
    return dataclasses.replace(dataset, **dict(zip(("train", "test"), first, strict=True)))


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    return small(data.load("mnist"), 1600, 500)


@pytest.fixture(scope="module")
def tiny(mnist: Dataset) -> Dataset:
    return small(mnist, 160, 50)


# The network


def test_the_network_has_the_shapes_it_says():
    model, x, shapes = digits.DigitCNN(10, (0.1,), (0.3,)), torch.rand(2, 1, 28, 28), []
    for layer in model:
        x = layer(x)
        shapes.append(tuple(x.shape[1:]))
    maps = [(24, 12, 12), (32, 5, 5), (64, 3, 3)]
    assert shapes == [(1, 28, 28), *(m for m in maps for _ in "ca"), (576,), (64,), (64,), (10,)]
    assert sum(p.numel() for p in model.parameters()) == 63_642


def test_the_network_equals_a_naive_one(tiny):
    model = digits.build(3, tiny)
    weights = model.state_dict()
    x = (torch.tensor(tiny.test.images).float() / 255 - tiny.mean[0]) / tiny.std[0]
    for layer, stride in ((1, 2), (3, 2), (5, 1)):
        x = F.relu(F.conv2d(x, weights[f"{layer}.weight"], weights[f"{layer}.bias"], stride))
    x = F.relu(F.linear(x.flatten(1), weights["8.weight"], weights["8.bias"]))
    np.testing.assert_allclose(digits.features(model, "features", tiny.test.images), x, atol=1e-5)
    x = F.linear(x, weights["10.weight"], weights["10.bias"])
    torch.testing.assert_close(classifier.logits(model, tiny.test.images), x, atol=1e-5, rtol=1e-5)


def test_a_restored_network_gives_the_same_answers_and_is_frozen(tiny):
    model = digits.build(1, tiny)
    restored = digits.restore(model.state_dict())
    assert torch.equal(*(classifier.logits(each, tiny.test.images) for each in (model, restored)))
    assert not any(p.requires_grad for p in restored.parameters())


@pytest.mark.parametrize("change", [{"3.weight": torch.zeros(2)}, {"11.weight": torch.zeros(2)}, {"10.bias": None}],
                         ids=str)  # fmt: skip
def test_weights_of_another_network_are_refused(change, tiny):
    with pytest.raises(RunError, match="not those of the network for digits"):
        digits.restore({**digits.build(1, tiny).state_dict(), **change})
    with pytest.raises(RunError, match="not those of the network for digits"):
        digits.restore({})


@pytest.mark.parametrize("shape, words", [((3, 28, 28), "colour of 28 × 28"), ((1, 32, 32), "grey of 32 × 32")])
def test_images_that_do_not_fit_are_refused(shape, words):
    splits = [Split(np.zeros((4, *shape), np.uint8), np.arange(4)) for _ in "ab"]
    dataset = describe("odd", "Odd", tuple("abcd"), *splits)
    with pytest.raises(ValueError, match=words):
        digits.build(0, dataset)


# Training


class Stays(nn.Module):
    """A network for which every learning rate is fine: it answers the same whatever it learns."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return torch.zeros(len(x), 10) + 0 * self.weight


def test_the_learning_rate_falls_to_zero_in_a_straight_line(tiny, monkeypatch):
    rates = []

    class Adam(torch.optim.Adam):
        def step(self):
            rates.append(self.param_groups[0]["lr"])
            return super().step()

    monkeypatch.setattr(torch.optim, "Adam", Adam)
    config = Config(epochs=2, batch_size=40, lr=0.008)
    list(digits.train(config, tiny, Stays()))
    assert rates == pytest.approx([0.008, 0.007, 0.006, 0.005, 0.004, 0.003, 0.002, 0.001])


def test_every_step_equals_that_of_a_naive_loop(tiny, monkeypatch):
    config = Config(epochs=2, batch_size=40)
    monkeypatch.setattr(classifier, "RECORD_EVERY", 1)
    losses = [record.loss for record in digits.train(config, tiny, digits.build(42, tiny)) if record.step]
    model, order, expected = digits.build(42, tiny), generator(42, "batches"), []
    optimizer = torch.optim.Adam(model.parameters(), foreach=False)
    x, y = torch.tensor(tiny.train.images).float() / 255, torch.tensor(tiny.train.labels)
    for _ in range(2):
        for batch in torch.randperm(160, generator=order).split(40):
            optimizer.param_groups[0]["lr"] = 0.002 * (1 - len(expected) / 8)
            loss = F.cross_entropy(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            expected.append(loss.item())
    assert losses == pytest.approx(expected, abs=1e-4)


def test_training_beats_the_untrained_network_clearly_and_repeats_exactly(mnist):
    config = Config(epochs=2)
    models = [embeddings.build(config, mnist) for _ in range(2)]
    first, second = (list(embeddings.train(config, mnist, model)) for model in models)
    assert first == second
    assert all(torch.equal(p, q) for p, q in zip(*(model.parameters() for model in models), strict=True))
    tested = [record for record in first if record.snapshot]
    assert [record.epoch for record in tested] == [0, 1, 2]
    assert tested[0].test_accuracy < 0.3 < 0.7 < tested[-1].test_accuracy
    assert first[0].loss is not None  # a point for the chart before anything is tested
    metrics = embeddings.measure(models[0], mnist)
    assert metrics == {name: getattr(tested[-1], name) for name in ("test_accuracy", "test_loss")}


def test_a_loss_without_bounds_is_reported(tiny):
    with pytest.raises(Diverged, match="try a lower learning rate"):
        list(digits.train(Config(lr=100.0, batch_size=10, epochs=20), tiny, Explodes()))


class Explodes(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, 10))

    def forward(self, x):
        return x.mean((1, 2, 3))[:, None] * self.weight * (1 if self.weight.eq(0).all() else math.inf)


# Features


def test_every_layer_has_a_name():
    assert digits.layers(digits.DigitCNN(10, (0.1,), (0.3,))) == ["conv1", "conv2", "conv3", "features", "logits"]
    course = CNNBasic("tanh", 3, 10, (0.1,) * 3, (0.3,) * 3)
    assert digits.layers(course) == ["conv1", "conv2", "conv3", "features", "logits"]


@pytest.mark.parametrize("layer, module", [("conv1", 2), ("conv2", 4), ("conv3", 6), ("features", 9), ("logits", 10)])
def test_features_are_what_the_layer_answers(layer, module, tiny):
    model, answers = digits.build(5, tiny), {}
    model[module].register_forward_hook(lambda _, __, out: answers.update(out=out.flatten(1)))
    x = torch.tensor(tiny.test.images).float() / 255
    model(x)
    expected = answers["out"].detach()
    for images in (tiny.test.images, x):
        found = digits.features(model, layer, images)
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert (found.dtype, found.shape) == (np.float32, tuple(expected.shape))
    assert model.training
    assert all(p.requires_grad for p in model.parameters())


def test_a_classifier_has_features_too(tiny):
    model = classifier.build(classifier.Config(dataset="mnist"), tiny)
    found = digits.features(model, "features", tiny.test.images)
    assert found.shape == (50, 288)
    np.testing.assert_array_equal(found, digits.features(model, "conv3", tiny.test.images))
    logits = found @ model[-1].weight.detach().numpy().T + model[-1].bias.detach().numpy()
    np.testing.assert_allclose(logits, classifier.logits(model, tiny.test.images), atol=1e-5)
    np.testing.assert_array_equal(digits.features(model, "logits", tiny.test.images),
                                  classifier.logits(model, tiny.test.images))  # fmt: skip


def test_pixels_are_layer_zero(tiny):
    model, x = digits.build(0, tiny), torch.tensor(tiny.test.images).float() / 255
    for images in (tiny.test.images, x):
        found = digits.features(model, "pixels", images)
        np.testing.assert_array_equal(found, x.flatten(1))


@pytest.mark.parametrize("layer", ["conv4", "", "Features", "noise"])
def test_a_layer_that_is_not_there_is_refused(layer, tiny):
    with pytest.raises(ValueError, match="choose one of pixels, conv1, conv2, conv3, features, logits"):
        digits.features(digits.build(0, tiny), layer, tiny.test.images)
