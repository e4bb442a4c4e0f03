"""core/gan/measures: near-perfect on real digits, near-worst on noise, and equal to plain formulas."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from core import data
from core.data import Dataset, Split
from core.gan import measures
from core.gan.measures import MEASURES, entropy, frechet, judged, moments, nearest, of_pictures, of_real, scaled
from core.judge import judge
from core.rng import generator


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    return data.load("mnist")


@pytest.fixture(scope="module")
def few(mnist: Dataset) -> Dataset:
    """3,000 training images."""
    train = Split(mnist.train.images[:3000], mnist.train.labels[:3000])
    return dataclasses.replace(mnist, train=train, identity="few")


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=generator(seed, "test"))


# Real digits, noise, one digit only


def test_real_digits_get_near_perfect_figures(mnist):
    found = of_real(mnist)
    assert found["digit_entropy"] > 0.99
    assert found["certainty"] > 0.98
    assert found["unsure"] < 0.01
    labels = np.bincount(mnist.train.labels[:2000], minlength=10) / 2000
    np.testing.assert_allclose(found["digit_histogram"], labels, atol=0.005)


def test_the_test_set_is_at_no_distance_from_itself(mnist):
    itself = of_pictures(scaled(mnist.test.images), mnist)
    assert itself["frechet"] < 1e-6 * of_pictures(scaled(mnist.test.images) * 0, mnist)["frechet"]


def test_noise_gets_near_worst_figures(mnist):
    noise = torch.rand(2000, 1, 28, 28, generator=generator(0, "noise"))
    found, real = of_pictures(noise, mnist), of_real(mnist)
    assert found["frechet"] > 50 * real["frechet"]
    assert found["unsure"] > 0.5
    assert found["certainty"] < 0.6
    assert found["digit_entropy"] < 0.8


def test_ones_alone_have_no_variety_but_all_certainty(mnist):
    ones = scaled(mnist.test.images[mnist.test.labels == 1])
    found, real = of_pictures(ones, mnist), of_real(mnist)
    assert found["digit_histogram"][1] > 0.98
    assert found["digit_entropy"] < 0.05
    assert found["certainty"] > 0.98
    assert found["frechet"] > 20 * real["frechet"]


def test_figures_are_plain_values(mnist):
    found = of_pictures(torch.zeros(5, 1, 28, 28), mnist)
    assert sum(found["digit_histogram"]) == pytest.approx(1)
    assert len(found["digit_histogram"]) == 10
    assert {type(value) for name, value in found.items() if name != "digit_histogram"} == {float}
    assert all(math.isfinite(value) for name, value in found.items() if name != "digit_histogram")


def test_the_judge_answers_as_it_would_itself(mnist):
    pictures = scaled(mnist.test.images[:100])
    features, probabilities = judged(pictures)
    expected = torch.softmax(judge()(pictures), 1)
    torch.testing.assert_close(probabilities.float(), expected, atol=1e-4, rtol=1e-3)
    assert features.shape == (100, 64)
    assert not features.requires_grad


# Formulas


@pytest.mark.parametrize(
    "shares, expected",
    [([0.1] * 10, 1), ([1.0] + [0.0] * 9, 0), ([0.5, 0.5] + [0.0] * 8, math.log(2) / math.log(10))],
)
def test_entropy(shares, expected):
    assert entropy(torch.tensor(shares, dtype=torch.float64)) == pytest.approx(expected)
    assert math.copysign(1, entropy(torch.tensor(shares, dtype=torch.float64))) == 1  # no −0


def by_the_product(a: torch.Tensor, b: torch.Tensor) -> float:
    """The Fréchet distance as in its paper: with the eigenvalues of the product of both covariances."""
    x, y = moments(a), moments(b)
    roots = torch.linalg.eigvals(x.covariance @ y.covariance).real.clamp(min=0).sqrt().sum()
    apart = ((a.double().mean(0) - b.double().mean(0)) ** 2).sum()
    return (apart + x.covariance.trace() + y.covariance.trace() - 2 * roots).item()


def test_frechet_equals_the_formula():
    a = random(500, 8) @ random(8, 8, seed=1)
    b = random(400, 8, seed=2) @ random(8, 8, seed=3) + 1
    assert frechet(moments(a), moments(b)) == pytest.approx(by_the_product(a, b), rel=1e-6)
    assert frechet(moments(b), moments(a)) == pytest.approx(by_the_product(a, b), rel=1e-6)


def test_frechet_of_one_feature_is_the_textbooks():
    a, b = random(1000, 1) * 3 + 5, random(1000, 1, seed=1) * 2
    expected = (a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2
    assert frechet(moments(a), moments(b)) == pytest.approx(expected.item(), rel=1e-5)


def test_frechet_stands_features_that_never_change_and_few_pictures():
    a, b = random(500, 8), random(5, 8, seed=1)  # fewer pictures than features
    a[:, 2:5], b[:, 2:5] = 0, 0
    assert frechet(moments(a), moments(a)) == pytest.approx(0, abs=1e-9)
    assert frechet(moments(b), moments(a)) == pytest.approx(by_the_product(b, a), abs=1e-4)
    assert math.isfinite(frechet(moments(torch.zeros(2, 8)), moments(a)))


# Nearest training images


@pytest.mark.parametrize("space", measures.SPACES)
def test_a_training_image_is_nearest_to_itself(space, few):
    chosen = [7, 2500, 0]
    indices, distances = nearest(few.train.images[chosen], few, 3, space)
    assert indices[:, 0].tolist() == chosen
    assert (distances[:, 0] < 1e-4).all()
    assert (np.diff(distances, axis=1) >= 0).all()
    assert indices.shape == distances.shape == (3, 3)


def test_nearest_equals_looking_at_every_image(few, mnist):
    pictures = mnist.test.images[:4]
    indices, distances = nearest(pictures, few, 5)
    train = few.train.images.reshape(len(few.train.images), -1) / 255.0
    for i, picture in enumerate(pictures.reshape(4, -1) / 255.0):
        every = np.sqrt(((train - picture) ** 2).sum(1))
        order = np.argsort(every, kind="stable")[:5]
        assert indices[i].tolist() == order.tolist()
        np.testing.assert_allclose(distances[i], every[order], rtol=1e-5)


def test_the_nearest_are_of_the_same_kind_in_either_space(few, mnist):
    for space in measures.SPACES:
        indices, _ = nearest(mnist.test.images[:20], few, 1, space)
        agree = few.train.labels[indices[:, 0]] == mnist.test.labels[:20]
        assert agree.mean() >= 0.85  # a tenth by chance


def test_an_unknown_space_is_refused(few):
    with pytest.raises(ValueError, match=r"space 'raw' is unknown: choose one of pixels, features\."):
        nearest(few.train.images[:1], few, space="raw")


def test_every_figure_says_how_to_read_it_and_what_it_misses(mnist):
    assert set(MEASURES) == {*of_pictures(torch.zeros(2, 1, 28, 28), mnist), "nearest"}
    for measure in MEASURES.values():
        assert all(text.endswith(".") for text in (measure.reading, measure.misses))
