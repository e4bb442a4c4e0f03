"""core/adversarial/rates: shares equal to counting by hand, never better for a longer or larger attack."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core import data, digits
from core.adversarial import rates
from core.adversarial.attacks import named, perturb, walk
from core.adversarial.rates import accuracy, against_epsilon, answers, at_random, called, fit, success_matrix, transfer
from core.layers import Normalise
from core.rng import generator, initialise


@pytest.fixture(scope="module")
def some() -> tuple[torch.Tensor, torch.Tensor]:
    """230 test images, more than are attacked at once, and their labels."""
    test = data.load("mnist").test
    return torch.tensor(test.images[:230]).float() / 255, torch.tensor(test.labels[:230])


def untrained() -> nn.Module:
    model = digits.DigitCNN(10, (0.13,), (0.31,))
    initialise(model, generator(0, "weights"))
    return model.eval().requires_grad_(False)


def share(which: torch.Tensor) -> float:
    return which.double().mean().item()


# Accuracy


def test_without_steps_it_is_the_clean_accuracy(judge, some):
    x, labels = some
    expected = share(judge(x).argmax(1) == labels)
    assert accuracy(judge, x, labels, named("course", steps=0, targeted=False)) == expected > 0.98
    torch.testing.assert_close(answers(judge, x), judge(x), atol=1e-4, rtol=1e-4)


def test_an_image_withstands_if_no_point_of_the_walk_fools(judge, some):
    x, labels = (each[:100] for each in some)
    attack = named("course", 0.12, steps=6, targeted=False)
    names = torch.stack([point.logits.argmax(1) for point in walk(judge, x, labels, attack)])
    expected = (names == labels).all(0)
    found = rates.withstands(judge, x, labels, attack, generator(0, "attack"))
    assert (found == expected).double().mean() >= 0.98  # sums in another order
    assert 0.2 < share(expected) < 0.8


def test_more_steps_and_larger_epsilon_only_find_more(judge, some):
    x, labels = some
    steps = [
        accuracy(judge, x, labels, dataclasses.replace(named("pgd", 0.1, 10, False), steps=n)) for n in (0, 2, 5, 10)
    ]
    assert steps == sorted(steps, reverse=True)
    assert steps[-1] < steps[0] - 0.2
    curves = against_epsilon(judge, x, labels, (0.0, 0.05, 0.1, 0.2, 0.3))
    assert set(curves) == {"epsilon", "fgsm", "pgd", "random"}
    assert curves["epsilon"] == [0.0, 0.05, 0.1, 0.2, 0.3]
    clean = share(judge(x).argmax(1) == labels)
    assert [curves[name][0] for name in ("fgsm", "pgd", "random")] == [clean] * 3
    for name in ("fgsm", "pgd"):
        assert curves[name] == sorted(curves[name], reverse=True)
    for fgsm, pgd, random in zip(*(curves[name][2:] for name in ("fgsm", "pgd", "random")), strict=True):
        assert pgd <= fgsm < random  # several steps are not weaker than one, and chance is
    assert curves["pgd"][-1] < 0.05
    assert curves["random"][-2] > 0.9


def test_the_control_moves_every_pixel_by_epsilon(judge, some, monkeypatch):
    x, labels = some
    seen = []
    monkeypatch.setattr(rates, "called", lambda model, x: seen.append(x) or called(model, x))
    found = at_random(judge, x, labels, 0.1)
    moved = (seen[0] - x).abs()
    assert moved.max() <= 0.1 + 1e-6
    assert moved[(x > 0.1) & (x < 0.9)].min() >= 0.1 - 1e-6
    assert share(seen[0] > x) == pytest.approx(0.5, abs=0.05)
    assert found == share(judge(seen[0]).argmax(1) == labels)


# From class to class


def test_the_matrix_is_what_counting_gives(judge, some):
    x, labels = (each[:100] for each in some)
    attack = named("course", 0.2)
    matrix = success_matrix(judge, x, labels, attack)
    right = judge(x).argmax(1) == labels
    for source in range(10):
        own = x[right & (labels == source)]
        for target in range(10):
            if source == target:
                assert matrix[source][target] is None
                continue
            targets = torch.full((len(own),), target)
            expected = share(judge(perturb(judge, own, targets, attack)).argmax(1) == target)
            assert matrix[source][target] == pytest.approx(expected, abs=0.15)  # one image of 4 to 10, by rounding
    found = np.array([[cell or 0 for cell in row] for row in matrix])
    assert 0.2 < found.sum() / 90 < 0.9


def test_an_attack_without_size_turns_nothing(judge, some):
    x, labels = (each[:100] for each in some)
    matrix = success_matrix(judge, x, labels, named("course", 0.0))
    assert {cell for row in matrix for cell in row} == {0.0, None}


def test_a_class_of_which_no_image_is_named_right_has_nothing_to_turn(judge, some):
    x, labels = some
    few = labels < 3
    matrix = success_matrix(judge, x[few], labels[few], named("course"))
    assert [row.count(None) for row in matrix] == [1] * 3 + [10] * 7


# Other networks, other sizes


def test_an_attack_on_one_network_does_less_to_another(judge, some):
    x, labels = some
    found = transfer(
        judge, {"itself": judge, "untrained": untrained()}, x, labels, named("pgd", 0.2, 20, targeted=False)
    )
    assert found["itself"]["clean"] > 0.98
    assert found["itself"]["attacked"] < 0.2
    assert found["untrained"]["clean"] == pytest.approx(found["untrained"]["attacked"], abs=0.05)


class Wide(nn.Module):
    side = 32

    def forward(self, x):
        return x.flatten(1)


def test_images_are_padded_or_cut_to_the_side_of_a_network(judge):
    x = torch.rand(2, 1, 28, 28)
    wide = fit(x, Wide())
    assert wide.shape == (2, 1, 32, 32)
    torch.testing.assert_close(wide, F.pad(x, (2, 2, 2, 2)))
    torch.testing.assert_close(fit(wide, judge), x)
    assert fit(x, judge).shape == x.shape
    assert answers(Wide().eval(), x).shape == (2, 1024)


def test_odd_margins_are_padded_as_the_classifier_does():
    from core.classifier import pixels

    images = np.random.default_rng(0).integers(0, 256, (1, 1, 27, 27), np.uint8)
    model = nn.Sequential(Normalise((0.5,), (0.25,)), nn.Conv2d(1, 1, 3))
    expected = pixels(images, model)
    torch.testing.assert_close(fit(torch.from_numpy(images).float() / 255, model), expected)
