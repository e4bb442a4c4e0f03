"""core/adversarial/attackable: networks by name, images that are there, reports that name mistakes in a sentence."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from core import __main__ as command_line
from core import data, runs
from core.adversarial import Config, attackable
from core.adversarial.attackable import NETWORKS, as_pixels, network, report, run_of, test_images
from core.embeddings import Config as EmbeddingsConfig
from core.runs import RunError

test_images.__test__ = False  # its name alone looks like a test

DIGITS = runs.run_name("embeddings", EmbeddingsConfig())
GREY = "classifier-mnist-adam-tanh-lr0.001-s42-4ef63367"
COLOUR = "classifier-cifar10-adam-leaky-relu-lr0.001-s42-c5d8091c"


# Networks and images


@pytest.mark.parametrize("name, side, channels", [(DIGITS, 28, 1), (GREY, 32, 1), (COLOUR, 32, 3)])
def test_networks_of_other_topics_can_be_attacked(name, side, channels):
    found = network(name)
    assert (found.name, found.dataset) == (name, "cifar10" if channels == 3 else "mnist")
    images, classes = test_images(found.dataset)
    assert len(classes) == 10
    pixels = as_pixels(found.model, images.images[:20])
    assert (pixels.shape, pixels.dtype) == ((20, channels, side, side), np.float32)
    assert 0 <= pixels.min() < pixels.max() <= 1
    assert not found.model.training
    assert not any(p.requires_grad for p in found.model.parameters())
    right = found.model(torch.from_numpy(pixels)).argmax(1).numpy() == images.labels[:20]
    assert right.mean() >= 0.5


def test_without_cifar10_there_are_its_20_samples():
    images, classes = test_images("cifar10")
    assert images.images.shape == (20, 3, 32, 32)
    assert classes == data.CIFAR10_CLASSES


@pytest.mark.parametrize(
    "name, words",
    [("nothing", "There is no run 'nothing'"), ("../embeddings", "There is no run"),
     (runs.run_name("embeddings", EmbeddingsConfig("pca", layer="pixels")), "has no network that names images"),
     ("char-rnn-shakespeare-gru-lr0.01-i2000-s42-a2ef60c0", "has no network that names images")])  # fmt: skip
def test_a_run_without_such_a_network_is_refused(name, words):
    with pytest.raises(RunError, match=words):
        network(name)


def test_a_run_that_did_not_end_well_is_refused(tmp_path, monkeypatch):
    from core.runs import recorder

    monkeypatch.setenv("EXPLORER_RUNS", str(tmp_path))
    monkeypatch.setattr(runs, "shipped_dir", lambda: tmp_path / "none")
    path = tmp_path / "adversarial" / runs.run_name("adversarial", Config())
    recorder.create(path, "adversarial", Config()).release()
    recorder.end(path, "stopped", "So it is.")
    with pytest.raises(RunError, match="is stopped: its network cannot be attacked"):
        run_of("course")


def test_short_names_are_settings_of_their_own():
    assert list(NETWORKS) == ["course", "default", "long", "small", "robust"]
    assert len({config for _, config in NETWORKS.values()}) == 5
    assert all(title for title, _ in NETWORKS.values())


# Reports


def test_a_report_tells_every_step():
    found = report(network(DIGITS), index=4, target=9, epsilon=0.2, steps=5)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["label"], found["target"], found["called"][0]) == (4, 9, 4)
    assert {len(found[name]) for name in ("probabilities", "called", "losses", "linf", "l2", "clipped")} == {6}
    assert found["linf"] == pytest.approx([0, 0.04, 0.08, 0.12, 0.16, 0.2], abs=1e-6)
    assert found["probabilities"][-1][9] > 0.5 > 0.1 > found["probabilities"][0][9]
    assert found["called"][found["steps_to_success"]] == 9


def test_a_report_of_an_untargeted_attack_on_colour():
    found = report(network(COLOUR), index=0, attack="pgd", epsilon=8 / 255, steps=10)
    assert found["dataset"] == "cifar10"
    assert found["target"] is None
    assert max(found["linf"]) <= 8 / 255 + 1e-6
    assert found["losses"][-1] > found["losses"][0] + 1


def test_a_report_of_no_image():
    found = report(network(DIGITS), target=9, start="noise", attack="pgd")
    assert found["label"] is None
    assert found["linf"][0] == 0 < found["linf"][-1] <= 5 * found["step_size"] + 1e-6
    assert found["steps_to_success"] is None or found["steps_to_success"] > 0


@pytest.mark.parametrize(
    "settings, words",
    [({"index": 10_000}, "index must be between 0 and 9999"), ({"index": -1}, "index must be between 0 and 9999"),
     ({"target": 10}, "target must be between 0 and 9"), ({"start": "noise"}, "choose a target"),
     ({"start": "ones", "target": 1}, "start 'ones' is unknown"), ({"attack": "magic"}, "attack 'magic' is unknown"),
     ({"epsilon": -1.0}, "epsilon must not be negative"), ({"steps": -1}, "steps must be between")],
    ids=str)  # fmt: skip
def test_a_mistake_is_a_sentence(settings, words):
    with pytest.raises(ValueError, match=words):
        report(network(DIGITS), **settings)


# The command line

ATTACK = ["attack", "--model", DIGITS, "--index", "4", "--target", "9", "--epsilon", "0.2", "--steps", "5"]


def test_the_command_prints_the_report(capsys):
    assert command_line.main([*ATTACK, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == report(network(DIGITS), index=4, target=9)
    assert command_line.main(ATTACK) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert "L∞ 0.200" in lines[-1]


def test_a_mistake_on_the_command_line_is_a_sentence(capsys):
    assert command_line.main([*ATTACK[:-1], "-3"]) == 2
    assert capsys.readouterr().err == "steps must be between 0 and 1000, not -3.\n"


def test_every_short_name_can_be_asked_for():
    said = command_line.parser().parse_args(["attack", "--model", "robust"])
    assert said.model in attackable.NETWORKS
