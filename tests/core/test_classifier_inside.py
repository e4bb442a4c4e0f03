"""Looking inside a network: against naive ways to compute the same, on networks whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core import data
from core.classifier import CNNBasic, Config, build, inside, pixels


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return data.load("mnist").test.images[:40]


def network(activation: str = "leaky_relu") -> CNNBasic:
    return build(Config(dataset="mnist", activation=activation), data.load("mnist")).requires_grad_(False)


def test_certainties_are_the_softmax_of_the_networks_answers(images: np.ndarray) -> None:
    model = network()
    certainty = inside.certainties(model, images)
    assert certainty.shape == (40, 10)
    np.testing.assert_allclose(certainty, model(pixels(images)).softmax(1).numpy(), rtol=1e-5)


def test_layers_show_what_each_convolution_answers(images: np.ndarray) -> None:
    model = network("tanh")
    found = inside.layers(model, images[3])
    assert [(layer.name, layer.maps.shape) for layer in found] == [
        ("convolution 1", (24, 10, 10)), ("convolution 2", (48, 4, 4)), ("convolution 3", (72, 2, 2)),
    ]  # fmt: skip
    first = torch.tanh(model[1](model[0](pixels(images[3:4]))))[0]
    np.testing.assert_allclose(found[0].maps, first.numpy(), rtol=1e-5, atol=1e-6)
    assert all(layer.bound == np.abs(layer.maps).max() for layer in found)


@pytest.mark.parametrize(("activation", "bias"), [("relu", -1e4), ("leaky_relu", -1e4), ("tanh", 1e4), ("tanh", -1e4)])
def test_units_that_give_no_signal_count_as_idle(activation: str, bias: float, images: np.ndarray) -> None:
    model = network(activation)
    lively = inside.unit_health(model, images)
    assert [layer.units for layer in lively] == [2400, 768, 288]
    model[1].bias[:6] = bias  # a quarter of the first layer's maps
    idle = inside.unit_health(model, images)
    assert lively[0].idle < 0.2
    assert idle[0].idle >= 0.25 > lively[0].idle
    assert idle[0].idle <= 0.25 + lively[0].idle


def test_health_does_not_depend_on_how_the_images_are_split(images: np.ndarray, monkeypatch) -> None:
    model = network("relu")
    whole = inside.unit_health(model, images)
    monkeypatch.setattr("core.classifier.EVALUATE_AT_ONCE", 7)
    assert inside.unit_health(model, images) == whole


def test_members_and_errors_come_most_certain_first() -> None:
    rng = np.random.default_rng(0)
    certainty = rng.dirichlet(np.ones(4), size=300)
    labels = rng.integers(0, 4, 300)
    called = certainty.argmax(1)

    members = inside.members(certainty, labels, true=1, called=2, most=1000)
    assert set(members) == {i for i in range(300) if labels[i] == 1 and called[i] == 2}
    assert (np.diff(certainty[members, 2]) <= 0).all()

    errors = inside.confident_errors(certainty, labels, most=20)
    assert len(errors) == 20
    assert (called[errors] != labels[errors]).all()
    wrong = called != labels
    assert certainty[errors].max(1).min() >= np.sort(certainty[wrong].max(1))[-20]
