"""What the README says of one's own objectives and attacks works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest
import torch

from core import data, gan
from core.adversarial import attacks
from core.gan import objectives
from pages._shared import lessons

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(python|toml)\n(.*?)```", README.split("## Make it yours")[1].split("\n## ")[0], re.DOTALL)


def added(module: ModuleType, name: str) -> dict:
    """What the block of the README that extends the dict ``name`` of a module adds to it."""
    [block] = [text for _, text in BLOCKS if name in text]
    assert len(block.splitlines()) <= 15
    scope = {**vars(module), name: {}, "TITLES": {}}
    exec(block, scope)
    return {"new": scope[name], "titles": scope["TITLES"]}


def test_an_objective_of_ones_own_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    [(name, objective)] = added(objectives, "OBJECTIVES")["new"].items()
    for term in (objective.real, objective.fake, objective.generated):
        scores = torch.linspace(-4, 4, 33, dtype=torch.float64, requires_grad=True)
        [slope] = torch.autograd.grad(term.value(scores).sum(), scores)
        torch.testing.assert_close(term.slope(scores.detach()), slope)
    monkeypatch.setitem(objectives.OBJECTIVES, name, objective)
    *_, last = gan.train(gan.Config(objective=name, iterations=20), data.load("mnist"))
    assert last.step == 20 and 0 < last.g_loss < 20


def test_an_attack_of_ones_own_stays_within_epsilon(monkeypatch: pytest.MonkeyPatch) -> None:
    found = added(attacks, "ATTACKS")
    [(name, make)] = found["new"].items()
    assert set(found["titles"]) == {name}
    monkeypatch.setitem(attacks.ATTACKS, name, make)
    attack = attacks.named(name, 0.2, 4)
    assert (attack.norm, attack.epsilon, attack.steps) == ("linf", 0.2, 4)


def test_a_lesson_of_ones_own_is_understood(tmp_path: Path) -> None:
    [block] = [text for kind, text in BLOCKS if kind == "toml"]
    assert len(block.splitlines()) <= 15
    (tmp_path / "momentum.toml").write_text(block)
    assert lessons.read(tmp_path / "momentum.toml").steps
