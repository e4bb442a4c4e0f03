"""One step of a recurrent layer, forwards and backwards: GRU, LSTM and the plain tanh RNN.

Letters for shapes: T time, N batch, H hidden units. A step has a row of R blocks of H numbers for each sequence: its
gates, and on the way back, in their place, the gradients of the loss by what goes into them. The state before adds to
the first G blocks of a row, the input to the last G. Everything works in place, for core/char_rnn/recurrent.py.

A cell has

* ``blocks`` R, ``gates`` G, and ``kept``: how many more blocks of H numbers it keeps of each step;
* ``bias`` (G·H), added with the input, and ``start``: what blocks hold to which the input adds nothing;
* ``views(rows, kept, states)``: what its steps work on, each (T, N, …), from rows (T, N, R·H), kept (T + 1, kept, N, H)
  and states (T + 1, N, H), in the last two of which the one before the first step comes first;
* ``forward(*views of a step)``, which turns what the input has added into gates and writes the new state;
* ``backward(views, grad, carried, grad_before)``: from the gradients (N, H) by the state after the step, by what else
  it hands on (the cell of an LSTM) and by the state before as far as later layers saw it → the full ones before;
* ``ordered(grad)``: a gradient with the gates in the order of the first G blocks → in PyTorch's order.
"""

from __future__ import annotations

import torch
from torch import Tensor

MINUS_ONE = torch.tensor(-1.0)


class Gru:
    """r, z = σ(…), n = tanh(x_n + r·h_n), h ← n + z(h − n), where h_n = W_hn h + b_hn; a row is h_n, r, z, n.

    Cho et al. 2014, in the form that ``nn.GRU`` has.
    """

    blocks, gates, kept = 4, 3, 0

    def __init__(self, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor):
        h = w_hh.shape[1]
        self.bias, self.start = torch.cat([b_ih[: 2 * h] + b_hh[: 2 * h], b_ih[2 * h :]]), b_hh[2 * h :]
        self.back = w_hh.roll(h, 0)  # h_n, r, z
        self.forth = self.back.t().contiguous()

    def views(self, rows: Tensor, kept: Tensor, states: Tensor) -> list[Tensor]:
        h = states.shape[-1]
        return [rows[..., : 3 * h], rows[..., h : 3 * h], *rows.split(h, -1), states[:-1], states[1:]]

    def forward(self, h_rz, rz, h_n, r, z, n, before, after) -> None:
        h_rz.addmm_(before, self.forth)
        rz.sigmoid_()
        tanh_(n.addcmul_(r, h_n))
        torch.lerp(n, before, z, out=after)

    def backward(self, views, grad, carried, grad_before) -> tuple[Tensor, Tensor]:
        h_rz, _, h_n, r, z, n, _, after = views
        by_n = torch.addcmul(grad, grad, z, value=-1)
        grad = torch.addcmul(grad_before, grad, z)
        torch.sub(after, n, out=z).mul_(by_n)  # by the input of σ: grad·(h − n)·z(1 − z)
        through_tanh(by_n, n, n)
        by_r = n * h_n
        torch.mul(n, r, out=h_n)
        through_sigmoid(by_r, r, r)
        return grad.addmm_(h_rz, self.back), carried

    @staticmethod
    def ordered(grad: Tensor) -> Tensor:
        return grad.roll(-(len(grad) // 3), 0)


class Lstm:
    """i, f, g, o = σ, σ, tanh, σ; c ← f·c + i·g; h ← o·tanh(c); kept are c and tanh(c).

    Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000, as in ``nn.LSTM``.
    """

    blocks, gates, kept = 4, 4, 2

    def __init__(self, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor):
        self.bias, self.start, self.back, self.forth = b_ih + b_hh, b_hh[:0], w_hh, w_hh.t().contiguous()

    def views(self, rows: Tensor, kept: Tensor, states: Tensor) -> list[Tensor]:
        h, cells = states.shape[-1], kept[:, 0]
        gates = [rows, rows[..., : 2 * h], *rows.split(h, -1)]
        return [*gates, cells[:-1], cells[1:], kept[1:, 1], states[:-1], states[1:]]

    def forward(self, row, i_f, i, f, g, o, cell, new_cell, squashed, before, after) -> None:
        row.addmm_(before, self.forth)
        i_f.sigmoid_()
        tanh_(g)
        o.sigmoid_()
        torch.mul(f, cell, out=new_cell).addcmul_(i, g)
        tanh_(squashed.copy_(new_cell))
        torch.mul(o, squashed, out=after)

    def backward(self, views, grad, carried, grad_before) -> tuple[Tensor, Tensor]:
        row, _, i, f, g, o, cell, _, squashed, _, _ = views
        by_cell = grad * o
        through_tanh(by_cell, squashed, by_cell).add_(carried)
        through_sigmoid(grad * squashed, o, o)
        by_i = by_cell * g
        through_tanh(by_cell * i, g, g)
        through_sigmoid(by_i, i, i)
        carried = by_cell * f
        through_sigmoid(by_cell.mul_(cell), f, f)
        return torch.addmm(grad_before, row, self.back), carried

    @staticmethod
    def ordered(grad: Tensor) -> Tensor:
        return grad


class Rnn:
    """h ← tanh(W_ih x + b_ih + W_hh h + b_hh), as in ``nn.RNN`` (Elman 1990)."""

    blocks, gates, kept = 1, 1, 0

    def __init__(self, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor):
        self.bias, self.start, self.back, self.forth = b_ih + b_hh, b_hh[:0], w_hh, w_hh.t().contiguous()

    def views(self, rows: Tensor, kept: Tensor, states: Tensor) -> list[Tensor]:
        return [rows, states[:-1], states[1:]]

    def forward(self, row, before, after) -> None:
        tanh_(torch.addmm(row, before, self.forth, out=after))

    def backward(self, views, grad, carried, grad_before) -> tuple[Tensor, Tensor]:
        row, _, after = views
        through_tanh(grad, after, row)
        return torch.addmm(grad_before, row, self.back), carried

    @staticmethod
    def ordered(grad: Tensor) -> Tensor:
        return grad


CELLS = {"gru": Gru, "lstm": Lstm, "rnn": Rnn}


def tanh_(x: Tensor) -> Tensor:
    """tanh in place, as 2σ(2x) − 1: torch's own takes twice the time."""
    x.mul_(2).sigmoid_()
    return torch.add(MINUS_ONE, x, alpha=2, out=x)


def through_tanh(grad: Tensor, value: Tensor, out: Tensor) -> Tensor:
    """The gradient by what went into a tanh of this value."""
    return torch.ops.aten.tanh_backward.grad_input(grad, value, grad_input=out)


def through_sigmoid(grad: Tensor, value: Tensor, out: Tensor) -> Tensor:
    """The gradient by what went into a sigmoid of this value."""
    return torch.ops.aten.sigmoid_backward.grad_input(grad, value, grad_input=out)
