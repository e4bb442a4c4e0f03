"""core/runs/weights: what is kept of weights is what comes back, and how far that is from what they were."""

from __future__ import annotations

import pytest
import torch
from safetensors import SafetensorError

from core.rng import generator
from core.runs import weights

WIDE = (1000, 1000)


def normal(*shape: int) -> torch.Tensor:
    return torch.empty(shape).normal_(generator=generator(3, "weights"))


def test_small_tensors_come_back_as_float16_has_them():
    state = {"layer.weight": normal(30, 40), "layer.bias": normal(7), "count": torch.tensor(3)}
    back = weights.unpack(weights.pack(state))
    assert {name: tensor.dtype for name, tensor in back.items()} == dict.fromkeys(state, torch.float32)
    assert all(torch.equal(back[name], tensor.half().float()) for name, tensor in state.items())


def test_what_float16_cannot_hold_is_kept_as_it_is():
    state = {"huge": torch.tensor([1e30, 1.0]), "infinite": torch.tensor([float("inf"), float("nan"), 1.0])}
    back = weights.unpack(weights.pack(state))
    assert torch.equal(back["huge"], state["huge"])
    assert back["infinite"][0] == float("inf") and back["infinite"][1].isnan()


def test_large_matrices_take_a_byte_a_number_and_err_by_half_a_step_at_most():
    matrix = normal(*WIDE) * torch.logspace(-6, 6, WIDE[0])[:, None]
    matrix[5] = 0
    content = weights.pack({"dense.weight": matrix})
    assert len(content) < matrix.numel() + 10_000
    back = weights.unpack(content)
    assert list(back) == ["dense.weight"]
    step = matrix.abs().amax(1, keepdim=True) / 127
    assert ((back["dense.weight"] - matrix).abs() <= step * 0.5001).all()
    assert torch.equal(back["dense.weight"][5], torch.zeros(WIDE[1]))


def test_packing_again_changes_nothing_more():
    once = weights.unpack(weights.pack({"dense.weight": normal(*WIDE)}))
    again = weights.unpack(weights.pack(once))
    torch.testing.assert_close(again["dense.weight"], once["dense.weight"], rtol=1e-6, atol=0)


def test_tensors_come_in_one_order():
    names = [f"layer{i}.weight" for i in range(10)]  # as they lie in the file they come in any
    content = weights.pack({name: normal(3) for name in reversed(names)})
    assert [list(weights.unpack(content)) for _ in range(5)] == [names] * 5


def test_whole_numbers_are_kept_as_numbers():
    assert weights.unpack(weights.pack({"count": torch.tensor(100_000)}))["count"] == 100_000


def test_large_matrices_that_are_not_finite_stay_so():
    matrix = normal(*WIDE)
    matrix[0, 0] = float("nan")
    assert weights.unpack(weights.pack({"dense.weight": matrix}))["dense.weight"][0, 0].isnan()


@pytest.mark.parametrize("content", [b"", b"no weights", weights.pack({"a": torch.ones(3)})[:-1]])
def test_other_bytes_are_refused(content):
    with pytest.raises(SafetensorError):
        weights.unpack(content)
