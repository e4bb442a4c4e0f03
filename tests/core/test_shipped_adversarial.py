"""The shipped networks of the adversarial page: all there, small, as good as they say, and telling what it shows."""

from __future__ import annotations

import itertools
import json

import pytest
import torch

from core import adversarial, course, data, runs, shipped
from core.adversarial import Config, attackable
from core.adversarial.attackable import NETWORKS, network
from core.adversarial.attacks import named, perturb
from core.adversarial.measures import course_runs, first_images
from core.adversarial.rates import called, transfer, withstands
from core.bench.adversarial import foolbox_attack
from core.judge import judge
from core.rng import generator
from core.runs import Run

MOST_BYTES = 20_500_000
STANDARD = [name for name in NETWORKS if name != "robust"]


def of(name: str) -> Run:
    return runs.read(runs.shipped_dir() / "adversarial" / runs.run_name("adversarial", NETWORKS[name][1]))


def share(which: torch.Tensor) -> float:
    return which.double().mean().item()


# The runs


def test_every_recording_is_there_and_done() -> None:
    names = [runs.run_name("adversarial", recording.config) for recording in shipped.recordings("adversarial")]
    found = runs.listing("adversarial", runs.shipped_dir())
    assert len(names) == 5
    assert sorted(names) == sorted(run.name for run in found)
    assert {run.status for run in found} == {"done"}
    assert all(run.steps == [run.config["iterations"]] for run in found)
    assert all(attackable.run_of(name).shipped for name in NETWORKS)


def test_they_are_small() -> None:
    files = (runs.shipped_dir() / "adversarial").rglob("*")
    assert sum(file.stat().st_size for file in files if file.is_file()) < MOST_BYTES


def test_headline_figures_are_json() -> None:
    for name in NETWORKS:
        metrics = of(name).metrics
        assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
        assert {"test_accuracy", "pgd_accuracy", "certainty_four", "matrix", "curves"} < metrics.keys()


@pytest.mark.parametrize("name", NETWORKS)
def test_the_stored_figures_are_what_the_weights_give(name: str) -> None:
    run, mnist = of(name), data.load("mnist")
    assert run.data["identity"] == mnist.identity
    model = network(name).model
    x, labels = first_images(model, mnist.test, 1000)
    assert share(called(model, x) == labels) == pytest.approx(run.metrics["test_accuracy"], abs=0.02)
    for figure, value in course_runs(model, mnist.test).items():
        assert value == pytest.approx(run.metrics[figure], rel=0.02, abs=0.02)  # sums differ between processors


def test_the_small_network_is_that_of_the_embeddings() -> None:
    ours, theirs = network("small").model.state_dict(), judge().state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


# What the page shows


def test_they_read_digits() -> None:
    accuracy = {name: of(name).metrics["test_accuracy"] for name in NETWORKS}
    assert accuracy["course"] > 0.96
    assert accuracy["default"] > 0.96
    assert accuracy["long"] >= 0.99
    assert accuracy["small"] >= 0.992
    assert accuracy["robust"] > 0.985


def test_the_courses_three_runs() -> None:
    found = {name: [of(name).metrics[f"certainty_{start}"] for start in course.ATTACK_RUNS] for name in NETWORKS}
    four, noise, zeros = found["course"]
    assert four >= 0.93
    assert noise >= 0.93
    assert 0.40 <= zeros <= 0.75
    assert found["default"][0] < four - 0.05
    assert found["default"][1] < 0.4  # noise resists where the network is not steep
    steepness = {name: of(name).metrics["steepness_noise"] for name in NETWORKS}
    assert steepness["course"] > 1.5 * steepness["default"]
    assert found["default"][1] < found["long"][1]  # and training makes it steeper
    assert steepness["default"] < steepness["long"]


def test_one_network_stands_attacks_and_the_others_do_not() -> None:
    robust = {name: of(name).metrics["pgd_accuracy"] for name in NETWORKS}
    assert robust["robust"] >= 0.85
    assert all(robust[name] < 0.05 for name in STANDARD)


@pytest.mark.parametrize("name", NETWORKS)
def test_curves_fall_and_an_iterated_attack_is_not_weaker_than_one_step(name: str) -> None:
    curves = of(name).metrics["curves"]
    assert curves["epsilon"][0] == 0
    assert curves["fgsm"][0] == curves["pgd"][0] == curves["random"][0]
    for fgsm, pgd, random in zip(curves["fgsm"], curves["pgd"], curves["random"], strict=True):
        assert pgd <= fgsm + 0.005
        assert fgsm <= random + 0.02
    assert all(later <= earlier + 0.005 for earlier, later in itertools.pairwise(curves["pgd"]))


def test_the_matrix_of_the_robust_network_is_nearly_empty() -> None:
    mean = {name: sum(cell or 0 for row in of(name).metrics["matrix"] for cell in row) / 90 for name in NETWORKS}
    assert mean["robust"] < 0.05 < 0.4 < min(mean[name] for name in ("course", "long"))


def test_attacks_carry_over_between_plain_networks_but_not_to_the_robust_one() -> None:
    models = {name: network(name).model for name in NETWORKS}
    x, labels = first_images(models["long"], data.load("mnist").test, 200)
    found = transfer(models["long"], models, x, labels, named("pgd", 0.2, 20, targeted=False))
    assert found["long"]["attacked"] < 0.1
    assert found["default"]["attacked"] < found["default"]["clean"] - 0.1
    assert found["robust"]["attacked"] > 0.9


@pytest.mark.parametrize("name, epsilon", [("course", 0.1), ("small", 0.1), ("robust", 0.35)])
def test_foolbox_does_not_do_better(name: str, epsilon: float) -> None:
    model, attack = network(name).model, named("pgd", epsilon, 20, targeted=False)
    x, labels = first_images(model, data.load("mnist").test, 100)
    with torch.random.fork_rng():
        torch.manual_seed(0)  # Foolbox draws its random start from torch's own generator
        theirs = foolbox_attack(model, x, labels, attack)()
    ours = perturb(model, x, labels, attack, generator(0, "attack"))
    fooled = [share(called(model, images) != labels) for images in (ours, theirs)]
    assert fooled[0] >= fooled[1] - 0.02
    assert (ours - x).abs().max() <= epsilon + 1e-6


def test_the_robust_network_stands_a_longer_attack_too() -> None:
    """A hundred steps from three random starts, on fewer images: no gradient is hidden."""
    model = network("robust").model
    x, labels = first_images(model, data.load("mnist").test, 100)
    stands = torch.ones(100, dtype=torch.bool)
    for seed in range(3):
        attack, rng = named("pgd", 0.3, 100, targeted=False), generator(seed, "attack")
        stands &= withstands(model, x, labels, attack, rng)
    assert share(stands) >= 0.8


def test_what_the_course_reported_stands_at_its_settings_alone() -> None:
    assert course.attack_certainties(Config(seed=7)) == {"four": 0.99, "noise": 0.99, "zeros": 0.59}
    for other in ({"initial": "pytorch"}, {"iterations": 2000}, {"model": "small"}):
        assert course.attack_certainties(adversarial.Config(**other)) is None
    assert course.ATTACK_RUNS.keys() == course.ATTACK_CERTAINTIES.keys()
