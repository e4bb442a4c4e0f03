"""core/adversarial/traces: ten targets at once equal ten alone, and what is told of each step is what happened."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn

from core import classifier, data
from core.adversarial import traces
from core.adversarial.attacks import ATTACKS, Attack, look, named
from core.adversarial.traces import control, judged, start, to_every_target, trace, unbounded
from core.rng import generator, initialise

FOUR = 4  # index of a test image that is a four


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return data.load("mnist").test.images[:20].astype(np.float32) / 255


# All targets at once


@pytest.mark.parametrize("name", ATTACKS)
def test_ten_targets_at_once_equal_ten_single_calls(name, judge, images):
    attack = named(name, 0.2, steps=6)
    together = to_every_target(judge, images[FOUR], attack, seed=3)
    assert together.images.shape == (10, attack.steps + 1, 1, 28, 28)
    assert together.classes.tolist() == list(range(10))
    for target in range(10):
        alone = trace(judge, images[[FOUR]], [target], attack, seed=3)
        # sums in another order: a gradient of almost 0 may change its sign
        same = np.isclose(together.images[target], alone.images[0], atol=1e-5)
        assert same.mean() > 0.995
        np.testing.assert_allclose(together.probabilities[target], alone.probabilities[0], atol=0.02)


@pytest.mark.parametrize("name", ATTACKS)
def test_in_double_precision_they_are_equal_to_the_last_pixel(name):
    model = nn.Sequential(Double(), nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(64, 5))
    initialise(model, generator(0, "toy"))
    model.double().eval().requires_grad_(False)
    image = np.random.default_rng(0).random((1, 6, 6), np.float32)
    model.side = 6
    together = to_every_target(model, image, named(name, 0.3, steps=5), seed=1)
    for target in range(5):
        alone = trace(model, image[None], [target], named(name, 0.3, steps=5), seed=1)
        np.testing.assert_allclose(together.images[target], alone.images[0], rtol=0, atol=1e-6)


class Double(nn.Module):
    def forward(self, x):
        return x.double()


def test_a_gradient_leads_to_each_target_and_no_further_than_epsilon(judge, images):
    found = to_every_target(judge, images[FOUR], named("pgd", 0.3, steps=20))
    assert found.succeeded[:, -1].sum() >= 9
    assert found.sizes["linf"].max() <= 0.3 + 1e-6
    assert (found.losses[:, -1] < found.losses[:, 0])[np.arange(10) != 4].all()
    assert found.steps_to_success[4] == 0  # it is called a four from the start


def test_an_untargeted_attack_has_no_targets(judge, images):
    with pytest.raises(ValueError, match="An untargeted attack has no targets"):
        to_every_target(judge, images[FOUR], named("pgd", targeted=False))


# What is told of each step


def test_the_record_of_a_step_is_what_happened(judge, images):
    attack = named("course")
    found = trace(judge, images[:3], [9, 8, 7], attack)
    assert found.images.shape == found.gradients.shape == found.perturbations.shape == (3, 6, 1, 28, 28)
    assert found.probabilities.shape == (3, 6, 10)
    assert found.losses.shape == found.clipped.shape == (3, 6)
    np.testing.assert_array_equal(found.images[:, 0], images[:3])
    np.testing.assert_allclose(found.probabilities.sum(2), 1, atol=1e-5)
    np.testing.assert_allclose(found.losses, -np.log(found.probabilities[np.arange(3), :, [9, 8, 7]]), rtol=1e-3)
    for s in range(6):
        x, classes = torch.from_numpy(found.images[:, s]), torch.tensor([9, 8, 7])
        np.testing.assert_allclose(found.gradients[:, s], look(judge, x, classes)[2], atol=1e-6)
        if s:
            moved = found.images[:, s - 1] - attack.step * found.signs[:, s - 1]
            np.testing.assert_allclose(found.images[:, s], moved.clip(0, 1), atol=1e-6)
            outside = ((moved < 0) | (moved > 1)).mean((1, 2, 3))
            np.testing.assert_allclose(found.clipped[:, s], outside, atol=0.03)  # zeros: rounding decides
    delta = (found.images - images[:3, None]).reshape(3, 6, -1)
    np.testing.assert_allclose(found.sizes["linf"], np.abs(delta).max(2), atol=1e-6)
    np.testing.assert_allclose(found.sizes["l2"], np.sqrt((delta.astype(float) ** 2).sum(2)), rtol=1e-4)


def test_steps_to_success_is_the_first_of_them():
    probabilities = np.zeros((4, 3, 2), np.float32)
    probabilities[:, :, 0] = [[1, 1, 1], [1, 0, 1], [0, 0, 0], [1, 1, 0]]
    probabilities[:, :, 1] = 1 - probabilities[:, :, 0]
    nothing = np.zeros((4, 3), np.float32)
    made = traces.Trace(Attack(), np.ones(4, np.int64), nothing, nothing, nothing, probabilities, nothing,
                               nothing)  # fmt: skip
    assert made.steps_to_success == [None, 1, 0, 2]
    away = dataclasses.replace(made, attack=Attack(targeted=False))
    assert away.steps_to_success == [0, 0, None, 0]


def test_no_steps_leave_the_start(judge, images):
    found = to_every_target(judge, images[FOUR], named("course", steps=0))
    assert found.images.shape[1] == 1
    assert not found.perturbations.any()
    assert [n for n, steps in enumerate(found.steps_to_success) if steps == 0] == [4]


def test_a_random_start_lies_within_epsilon_and_is_the_seeds(judge, images):
    first, again, other = (to_every_target(judge, images[FOUR], named("pgd", 0.1, 2), seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.images, again.images)
    assert not np.array_equal(first.images[:, 0], other.images[:, 0])
    assert 0.05 < first.sizes["linf"][:, 0].min() <= first.sizes["linf"][:, 0].max() <= 0.1 + 1e-6
    assert (first.images[:, 0] == first.images[0, 0]).all()
    np.testing.assert_array_equal(first.original, np.repeat(images[[FOUR]], 10, 0))


# The control


def test_the_control_is_as_large_and_does_nothing(judge, images):
    attack, labels = named("course", 0.2, targeted=False), [7, 2, 1, 0, 4]
    found, random = trace(judge, images[:5], labels, attack), control(judge, images[:5], labels, attack)
    np.testing.assert_allclose(random.sizes["linf"], found.sizes["linf"], atol=1e-6)
    assert found.losses[:, -1].mean() > 5 * random.losses[:, -1].mean() + 0.5
    assert random.called[:, -1].tolist() == labels
    steps = np.diff(random.images[0, :, 0], axis=0)
    inner = (random.images[0, 1:, 0] > 0.01) & (random.images[0, :-1, 0] > 0.01) & (random.images[0, 1:, 0] < 0.99)
    np.testing.assert_allclose(np.abs(steps[inner]), 0.04, atol=1e-5)


# Starts that are no image


def test_starts_are_what_they_are_called():
    noise, uniform, zeros = (start(kind, (1, 28, 28), seed=5) for kind in ("noise", "uniform", "zeros"))
    assert {x.dtype for x in (noise, uniform, zeros)} == {np.dtype(np.float32)}
    assert noise.min() < -1 < 2 < noise.max()
    assert noise.std() == pytest.approx(1, abs=0.1)
    assert 0 <= uniform.min() < 0.01 < 0.99 < uniform.max() <= 1
    assert not zeros.any()
    np.testing.assert_array_equal(noise, start("noise", (1, 28, 28), seed=5))
    assert not np.array_equal(noise, start("noise", (1, 28, 28), seed=6))
    with pytest.raises(ValueError, match="start 'ones' is unknown: choose one of noise, uniform, zeros"):
        start("ones", (1, 28, 28))


def test_from_zeros_only_steps_upwards_survive(judge):
    attack = unbounded(named("course"))
    found = to_every_target(judge, start("zeros", (1, 28, 28)), attack)
    assert attack.epsilon == math.inf
    assert found.images.min() == 0
    up = found.signs[:, 0] < 0  # against the gradient
    np.testing.assert_allclose(found.images[:, 1], 0.04 * up, atol=1e-7)
    np.testing.assert_allclose(found.clipped[:, 1], (found.signs[:, 0] > 0).mean((1, 2, 3)), atol=1e-6)


def test_noise_is_shown_as_it_is_and_what_was_added_counts_from_its_clipped_self(judge):
    noise = start("noise", (1, 28, 28))
    found = to_every_target(judge, noise, unbounded(named("course")))
    np.testing.assert_array_equal(found.images[3, 0], noise)
    np.testing.assert_array_equal(found.original[3], noise.clip(0, 1))
    assert not found.perturbations[:, 0].any()
    assert found.sizes["linf"].max() <= 0.2 + 1e-6
    assert 0 <= found.images[:, 1:].min() <= found.images[:, 1:].max() <= 1


def test_a_random_start_is_no_start_of_its_own():
    assert unbounded(named("pgd", 0.2, 5)) == Attack("linf", math.inf, 0.1, 5)


# Other networks


def test_a_second_network_judges_every_point(judge, images):
    found = trace(judge, images[:2], [9, 9], named("course"))
    again = judged(judge, found.images)
    np.testing.assert_allclose(again, found.probabilities, atol=1e-5)
    one = judged(judge, found.images[0, 0])
    assert one.shape == (10,)
    np.testing.assert_allclose(one, found.probabilities[0, 0], atol=1e-5)


def test_colour_images_and_a_network_of_another_size(images, judge):
    samples = data.samples("cifar10")
    colour = classifier.CNNBasic("leaky_relu", 3, 10, (0.5,) * 3, (0.25,) * 3)
    grey = classifier.CNNBasic("leaky_relu", 1, 10, (0.1,), (0.3,))
    for model in (colour, grey):
        initialise(model, generator(0, "weights"))
        model.eval().requires_grad_(False)
    x = samples.images[:2].astype(np.float32) / 255
    found = trace(colour, x, samples.labels[:2], named("pgd", 8 / 255, 5, targeted=False))
    assert found.images.shape == (2, 6, 3, 32, 32)
    assert found.sizes["linf"].max() <= 8 / 255 + 1e-6
    assert (found.losses[:, -1] > found.losses[:, 0]).all()
    padded = np.pad(images[:2], ((0, 0), (0, 0), (2, 2), (2, 2)))
    np.testing.assert_allclose(judged(grey, images[:2]), judged(grey, padded), atol=1e-6)
    np.testing.assert_allclose(judged(judge, padded), judged(judge, images[:2]), atol=1e-5)
