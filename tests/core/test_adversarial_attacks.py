"""core/adversarial/attacks: within their bounds, equal to formulas and to Foolbox, and far better than chance."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core import data
from core.adversarial.attacks import ATTACKS, NORMS, TITLES, Attack, advance, begin, look, named, perturb, walk
from core.bench.adversarial import foolbox_attack
from core.rng import generator, initialise

N = 12  # images
CASES = [(name, epsilon, targeted) for name in ATTACKS for epsilon in (0.05, 0.3, 2.0) for targeted in (True, False)]


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.tensor(data.load("mnist").test.images[:200]).float() / 255


@pytest.fixture(scope="module")
def labels() -> torch.Tensor:
    return torch.tensor(data.load("mnist").test.labels[:200])


def toy(seed: int = 0) -> nn.Sequential:
    """A small untrained network for images of 6 × 6 pixels with two channels, frozen, in double precision."""
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(64, 5))
    initialise(model, generator(seed, "toy"))
    return model.double().eval().requires_grad_(False)


def pictures(seed: int = 0, n: int = N) -> torch.Tensor:
    return torch.rand(n, 2, 6, 6, generator=generator(seed, "pictures")).double()


def rng(seed: int = 0) -> torch.Generator:
    return generator(seed, "test")


def share(right: torch.Tensor) -> float:
    return right.double().mean().item()


# Special cases, and a formula


def test_fgsm_is_one_step_of_pgd():
    model, x, classes = toy(), pictures(), torch.arange(N) % 5
    one_step = Attack("linf", epsilon=0.1, step=0.1, steps=1)
    assert named("fgsm", 0.1, steps=7) == one_step
    assert named("course", 0.1, steps=1) == one_step
    found = perturb(model, x, classes, one_step)
    gradient = look(model, x, classes)[2]
    torch.testing.assert_close(found, (x - 0.1 * gradient.sign()).clamp(0, 1), rtol=0, atol=1e-12)
    away = perturb(model, x, classes, named("fgsm", 0.1, targeted=False))
    torch.testing.assert_close(away, (x + 0.1 * gradient.sign()).clamp(0, 1), rtol=0, atol=1e-12)


def test_the_courses_five_steps_are_its_formula(judge, images):
    x, nines = images[:20], torch.full((20,), 9)
    expected = x.clone()
    for _ in range(5):
        expected.requires_grad_()
        (gradient,) = torch.autograd.grad(F.cross_entropy(judge(expected), nines, reduction="sum"), expected)
        expected = (expected.detach() - 0.2 / 5 * gradient.sign()).clamp(0, 1)
    found = perturb(judge, x, nines, named("course"))
    assert ((found - expected).abs() < 1e-6).double().mean() > 0.999  # a gradient of almost 0 may change its sign


@pytest.mark.parametrize("name", ATTACKS)
def test_no_epsilon_no_change(name, judge, images, labels):
    for attack in (named(name, 0.0, steps=3), named(name, 0.0, steps=3, targeted=False)):
        assert torch.equal(perturb(judge, images[:5], labels[:5], attack, rng()), images[:5])


@pytest.mark.parametrize("name", ["course", "fgsm"])
def test_no_steps_no_change(name, judge, images, labels):
    attack = named(name, 0.2, steps=0)
    assert torch.equal(perturb(judge, images[:5], labels[:5], attack), images[:5])
    (only,) = walk(judge, images[:5], labels[:5], attack)
    assert torch.equal(only.x, images[:5])


# Bounds


@pytest.mark.parametrize("name, epsilon, targeted", CASES)
def test_every_point_is_within_epsilon_and_is_a_picture(name, epsilon, targeted):
    attack = named(name, epsilon, steps=4, targeted=targeted)
    x = torch.rand(N, 2, 6, 6, generator=rng()).mul(1.4).sub(0.2).clamp(0, 1)  # many pixels at the ends
    model, classes = toy().float(), torch.arange(N) % 5
    points = list(walk(model, x, classes, attack, begin(x, attack, rng(1))))
    assert len(points) == attack.steps + 1
    for point in points:
        assert (NORMS[attack.norm].size(point.x - x) <= epsilon + 1e-6).all()
        assert ((point.x >= 0) & (point.x <= 1)).all()
    assert not torch.equal(points[-1].x, x)
    assert torch.equal(points[-1].x, perturb(model, x, classes, attack, rng(1)))


def test_without_a_bound_steps_add_up_and_the_first_one_clips():
    x = torch.randn(N, 2, 6, 6, generator=rng()).double()  # outside [0, 1]
    attack = Attack(epsilon=math.inf, step=0.04, steps=5)
    points = list(walk(toy(), x, torch.zeros(N, dtype=torch.int64), attack))
    assert torch.equal(points[0].x, x)
    for point in points[1:]:
        assert ((point.x >= 0) & (point.x <= 1)).all()
        assert (point.x - x.clamp(0, 1)).abs().max() <= 0.2 + 1e-9
    assert points[1].clipped.mean() > 0.5
    assert points[0].clipped.eq(0).all()


def test_clipped_is_the_share_of_pixels_that_wanted_out():
    x = torch.zeros(1, 1, 2, 2)
    gradient = torch.tensor([[[[1.0, -1.0], [2.0, 0.0]]]])
    moved, clipped = advance(x, x, gradient, Attack(epsilon=0.2, step=0.1, targeted=False))
    assert moved.flatten().tolist() == pytest.approx([0.1, 0, 0.1, 0])
    assert clipped.tolist() == [0.25]


# Norms


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_no_step_of_size_1_goes_further_along_the_gradient(norm):
    gradient = torch.randn(N, 2, 6, 6, generator=rng()).double()
    best = norm.direction(gradient)
    torch.testing.assert_close(norm.size(best), torch.ones(N).double())
    for seed in range(50):
        other = norm.random(gradient, rng(seed))
        assert ((best - other) * gradient).flatten(1).sum(1).min() > 0
    assert norm.direction(torch.zeros(1, 2, 6, 6)).eq(0).all()


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_projection_is_to_the_nearest_point_of_the_ball(norm):
    delta = torch.randn(N, 2, 6, 6, generator=rng()).double()
    inside = norm.project(delta, 0.5)
    assert (norm.size(inside) <= 0.5 + 1e-9).all()
    torch.testing.assert_close(norm.project(inside, 0.5), inside)
    for seed in range(50):
        other = 0.5 * norm.random(delta, rng(seed))
        assert ((delta - other).flatten(1).norm(dim=1) >= (delta - inside).flatten(1).norm(dim=1)).all()


@pytest.mark.parametrize("name, mean", [("linf", 72 / 73), ("l2", 72 / 73)])
def test_random_starts_are_uniform_in_the_ball(name, mean):
    """In D dimensions the size of a point of the unit ball is D / (D + 1) on average."""
    norm = NORMS[name]
    sizes = norm.size(norm.random(torch.zeros(4000, 2, 6, 6), rng()))
    assert sizes.max() <= 1
    assert sizes.mean().item() == pytest.approx(mean, abs=0.002)


# What an attack leaves alone


def test_nothing_of_the_network_or_of_the_input_changes(judge, images, labels):
    before, x = {name: tensor.clone() for name, tensor in judge.state_dict().items()}, images[:5].clone()
    for name in ATTACKS:
        perturb(judge, images[:5], labels[:5], named(name), rng())
    assert torch.equal(x, images[:5])
    assert all(torch.equal(tensor, before[name]) for name, tensor in judge.state_dict().items())
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in judge.parameters())
    assert not judge.training
    assert not images.requires_grad


@pytest.mark.parametrize("thaw", [nn.Module.train, nn.Module.requires_grad_], ids=["training", "gradients"])
def test_a_network_that_is_not_frozen_is_refused(thaw):
    model = thaw(toy())
    with pytest.raises(ValueError, match="Only a frozen network can be attacked"):
        perturb(model, pictures(), torch.zeros(N, dtype=torch.int64), named("course"))
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_repeats_exactly(name, judge, images, labels):
    first, second = (perturb(judge, images[:9], labels[:9], named(name), rng(3)) for _ in "ab")
    assert torch.equal(first, second)


# Against chance, and against Foolbox


@pytest.mark.parametrize("name, epsilon", [("course", 0.15), ("fgsm", 0.2), ("pgd", 0.15), ("pgd-l2", 3.0)])
def test_a_random_direction_of_the_same_size_does_far_worse(name, epsilon, judge, images, labels):
    attack = named(name, epsilon, steps=10, targeted=False)
    at = begin(images, attack, rng())
    *_, end = walk(judge, images, labels, attack, at)
    *_, control = walk(judge, images, labels, attack, at, along=torch.randn(images.shape, generator=rng()))
    sizes = [NORMS[attack.norm].size(each.x - images).mean() for each in (end, control)]
    assert sizes[1] > 0.6 * sizes[0]
    fooled, by_chance = (share(each.logits.argmax(1) != labels) for each in (end, control))
    assert by_chance < 0.1 < 0.5 < fooled
    assert control.losses.mean() < 0.2 < 1 < end.losses.mean()


@pytest.mark.parametrize("name", ["pgd", "pgd-l2"])
@pytest.mark.parametrize("targeted", [True, False], ids=["targeted", "untargeted"])
def test_from_the_same_start_the_images_are_foolboxs(name, targeted):
    attack = dataclasses.replace(named(name, 0.5, steps=8, targeted=targeted), random_start=False)
    model, x, classes = toy(), pictures(), torch.arange(N) % 5
    model.requires_grad_(False)
    expected = foolbox_attack(model, x, classes, attack)()
    torch.testing.assert_close(perturb(model, x, classes, attack), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("epsilon", [0.05, 0.1, 0.2])
def test_pgd_succeeds_as_often_as_foolboxs(epsilon, judge, images, labels):
    attack = named("pgd", epsilon, steps=20, targeted=False)
    with torch.random.fork_rng():
        theirs = foolbox_attack(judge, images, labels, attack)()
    ours = perturb(judge, images, labels, attack, rng())
    fooled = [share(judge(x).argmax(1) != labels) for x in (ours, theirs)]
    assert fooled[0] >= fooled[1] - 0.02
    assert (ours - images).abs().max() <= epsilon + 1e-6


# Mistakes


@pytest.mark.parametrize(
    "settings, words",
    [({"norm": "l1"}, "norm 'l1' is unknown: choose one of linf, l2"),
     ({"epsilon": -0.1}, "epsilon must not be negative"), ({"epsilon": math.nan}, "epsilon must not be negative"),
     ({"step": -1.0}, "must have a size of 0 or more"),
     ({"step": math.inf}, "must have a size of 0 or more"), ({"steps": -1}, "steps must be between 0 and 1000"),
     ({"steps": 5000}, "steps must be between 0 and 1000"),
     ({"epsilon": math.inf, "random_start": True}, "needs a bound epsilon")], ids=str)  # fmt: skip
def test_settings_that_mean_nothing_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        Attack(**settings)


def test_an_unknown_attack_is_refused():
    with pytest.raises(ValueError, match="attack 'magic' is unknown: choose one of course, fgsm, pgd, pgd-l2"):
        named("magic")
    assert TITLES.keys() == ATTACKS.keys()


def test_a_random_start_needs_a_generator():
    with pytest.raises(ValueError, match="needs a generator"):
        begin(pictures(), named("pgd"))
