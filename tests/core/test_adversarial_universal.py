"""core/adversarial/universal: one perturbation works on images it has not seen, and a random one does not."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from core import classifier, data
from core.adversarial.attacks import NORMS, named, perturb
from core.adversarial.universal import added, universal
from core.rng import generator, initialise

FOUND_ON = slice(0, 100)
UNSEEN = slice(100, 400)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return data.load("mnist").test.images[:400].astype(np.float32) / 255


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return data.load("mnist").test.labels[:400]


@pytest.mark.parametrize("name, epsilon, least", [("course", 0.3, 0.5), ("pgd-l2", 5.0, 0.5)])
def test_it_turns_images_that_it_has_not_seen(name, epsilon, least, judge, images, labels):
    attack = named(name, epsilon, steps=20)
    delta = universal(judge, images[FOUND_ON], 8, attack)
    assert delta.shape == (1, 28, 28)
    size = NORMS[attack.norm].size(torch.from_numpy(delta)[None]).item()
    assert 0.8 * epsilon < size <= epsilon + 1e-6
    found = added(judge, delta, images[UNSEEN], labels[UNSEEN], 8)
    signs = np.sign(np.random.default_rng(0).standard_normal(delta.shape)) * epsilon / (1 if name == "course" else 28)
    chance = added(judge, signs, images[UNSEEN], labels[UNSEEN], 8)
    assert chance.success < 0.15 < least < found.success
    assert found.certainty.mean() > chance.certainty.mean() + 0.3


def test_of_one_image_it_is_the_attack_on_that_image(judge, images):
    attack = named("course", 0.2, steps=1)
    delta = universal(judge, images[[4]], 9, attack)
    expected = perturb(judge, torch.from_numpy(images[[4]]), torch.tensor([9]), attack)
    moved = torch.from_numpy(images[[4]] + delta).clamp(0, 1)
    torch.testing.assert_close(moved, expected, atol=1e-6, rtol=0)


def test_what_becomes_of_images_is_counted_over_those_of_other_classes(judge, images, labels):
    found = added(judge, np.zeros((1, 28, 28)), images[:50], labels[:50], 7)
    np.testing.assert_array_equal(found.images, images[:50])
    np.testing.assert_array_equal(found.before, found.after)
    np.testing.assert_array_equal(found.counted, (found.before == labels[:50]) & (labels[:50] != 7))
    assert found.success == 0
    assert math.isnan(added(judge, np.zeros((1, 28, 28)), images[:1], labels[:1], 7).success)  # it is a seven itself


def test_pictures_stay_within_bounds(judge, images, labels):
    found = added(judge, np.full((1, 28, 28), 0.7), images[:5], labels[:5], 1)
    assert found.images.max() == 1
    np.testing.assert_allclose(found.images, (images[:5] + 0.7).clip(0, 1), atol=1e-6)


def test_a_network_of_another_size_gets_what_fits(images, labels):
    model = classifier.CNNBasic("leaky_relu", 1, 10, (0.1,), (0.3,))
    initialise(model, generator(0, "weights"))
    model.eval().requires_grad_(False)
    found = added(model, np.full((1, 28, 28), 0.5), images[:2], labels[:2], 1)
    assert found.images.shape == (2, 1, 32, 32)
    assert not found.images[:, :, :2].any()
