"""core/char_rnn, recurrent and cells: loss, gradients and states are those of nn.GRU, nn.LSTM and nn.RNN."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.char_rnn import recurrent
from core.char_rnn.recurrent import MODULES, Memory
from core.rng import generator

SIZES = {  # T, N, V, D, H, layers
    "a part and one step more": (9, 3, 7, 4, 5, 2),
    "two whole parts": (16, 2, 6, 5, 5, 2),
    "one step": (1, 3, 5, 4, 4, 2),
    "one sequence": (11, 1, 6, 3, 4, 2),
    "one layer": (5, 2, 6, 5, 3, 1),
    "three layers": (10, 2, 6, 3, 4, 3),
    "one of everything": (1, 1, 1, 1, 1, 1),
    "more logits than are made at once": (90, 10, 4, 2, 3, 1),
}


class Library(nn.Module):
    """The network as one would write it."""

    def __init__(self, kind: str, v: int, d: int, h: int, layers: int, seed: int = 0):
        super().__init__()
        self.kind = kind
        self.embedding, self.rnn, self.linear = nn.Embedding(v, d), MODULES[kind](d, h, layers), nn.Linear(h, v)
        for parameter in self.double().parameters():
            nn.init.normal_(parameter, generator=generator(seed, "test"))

    def states(self, x: Tensor) -> Tensor:
        return self.rnn(self.embedding(x))[0]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(self.linear(self.states(x)).flatten(0, 1), y.flatten())

    def ours(self, x: Tensor, y: Tensor, memory: Memory | None = None) -> Tensor:
        parameters = [self.embedding.weight, *self.linear.parameters(), *self.rnn.parameters()]
        return recurrent.loss(self.kind, x, y, parameters, memory or Memory())

    def gradients(self, loss: Tensor) -> list[Tensor]:
        return list(torch.autograd.grad(loss, list(self.parameters())))


def text(t: int, n: int, v: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    codes = torch.randint(v, (t + 1, n), generator=generator(seed, "text"))
    return codes[:-1], codes[1:]


@pytest.fixture(params=MODULES)
def kind(request) -> str:
    return request.param


@pytest.mark.parametrize("t, n, v, d, h, layers", SIZES.values(), ids=SIZES)
def test_loss_and_all_gradients_are_those_of_torch(t, n, v, d, h, layers, kind):
    model, (x, y) = Library(kind, v, d, h, layers), text(t, n, v)
    ours, theirs = model.ours(x, y), model(x, y)
    torch.testing.assert_close(ours, theirs)
    for got, wanted in zip(model.gradients(ours), model.gradients(theirs), strict=True):
        torch.testing.assert_close(got, wanted)


@pytest.mark.parametrize("part", [1, 3, 100])
def test_how_many_steps_are_made_at_once_does_not_matter(part, kind, monkeypatch):
    model, (x, y) = Library(kind, 6, 4, 5, 2), text(10, 3, 6)
    expected = model.gradients(model(x, y))
    monkeypatch.setattr(recurrent, "PART", part)
    for got, wanted in zip(model.gradients(model.ours(x, y)), expected, strict=True):
        torch.testing.assert_close(got, wanted)


def test_single_precision_loses_nothing_but_the_last_digits(kind):
    model, (x, y) = Library(kind, 20, 16, 16, 2), text(40, 8, 20)
    expected = model.gradients(model(x, y))
    model.float()
    for got, wanted in zip(model.gradients(model.ours(x, y)), expected, strict=True):
        torch.testing.assert_close(got.double(), wanted, rtol=1e-3, atol=1e-4 * wanted.abs().max().item())


def test_the_gradient_from_above_is_passed_on(kind):
    model, (x, y) = Library(kind, 6, 4, 5, 2), text(10, 3, 6)
    once, thrice = (model.gradients(factor * model.ours(x, y)) for factor in (1, 3))
    for got, wanted in zip(thrice, once, strict=True):
        torch.testing.assert_close(got, 3 * wanted)


def test_memory_is_used_again_and_the_numbers_stay_the_same(kind):
    model, memory, (x, y) = Library(kind, 6, 4, 5, 2), Memory(), text(10, 3, 6)
    first = model.gradients(model.ours(x, y, memory))
    held = {tensor.data_ptr() for tensors in memory._free.values() for tensor in tensors}
    model.gradients(model.ours(*text(10, 3, 6, seed=1), memory))
    again = model.gradients(model.ours(x, y, memory))
    assert all(torch.equal(got, wanted) for got, wanted in zip(again, first, strict=True))
    assert {tensor.data_ptr() for tensors in memory._free.values() for tensor in tensors} == held
    assert len(held) >= 4


def test_two_losses_may_wait_for_their_gradients(kind):
    model, memory = Library(kind, 6, 4, 5, 2), Memory()
    texts = [text(10, 3, 6, seed) for seed in (0, 1)]
    losses = [model.ours(*each, memory) for each in texts]
    for loss, each in zip(losses, texts, strict=True):
        for got, wanted in zip(model.gradients(loss), model.gradients(model(*each)), strict=True):
            torch.testing.assert_close(got, wanted)


def test_gradients_of_weights_that_changed_meanwhile_are_refused(kind):
    model, (x, y) = Library(kind, 6, 4, 5, 1), text(4, 2, 6)
    loss = model.ours(x, y)
    with torch.no_grad():
        model.rnn.weight_hh_l0.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_gradients_cannot_be_taken_twice(kind):
    model, (x, y) = Library(kind, 6, 4, 5, 1), text(4, 2, 6)
    loss = model.ours(x, y)
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


@pytest.mark.parametrize("t, n, v, d, h, layers", SIZES.values(), ids=SIZES)
def test_states_of_every_layer_are_those_of_torch(t, n, v, d, h, layers, kind):
    model, (x, _) = Library(kind, v, d, h, layers), text(t, n, v)
    found = recurrent.states(kind, x, model.embedding.weight, tuple(model.rnn.parameters()))
    assert [each.shape for each in found] == [(t, n, h)] * layers
    out = model.embedding(x)
    for i, got in enumerate(found):
        layer = MODULES[kind](out.shape[-1], h).double()
        layer.load_state_dict({name[:-1] + "0": p for name, p in model.rnn.named_parameters() if name.endswith(str(i))})
        out, _ = layer(out)
        torch.testing.assert_close(got, out.detach())
        assert not got.requires_grad


@pytest.mark.parametrize("t, n", [(1, 1), (5, 3), (90, 10)])
def test_surprise_is_the_cross_entropy_of_each_character(t, n):
    model, (x, y) = Library("gru", 7, 4, 5, 1), text(t, n, 7)
    h = model.states(x)
    got = recurrent.surprise(h, y, model.linear.weight, model.linear.bias)
    wanted = F.cross_entropy(model.linear(h).permute(0, 2, 1), y, reduction="none")
    torch.testing.assert_close(got, wanted.detach())
