"""Recurrent layers over whole sequences, quick on a processor, and the loss on top of them.

Parameters and results are those of ``nn.GRU``, ``nn.LSTM`` and ``nn.RNN``, up to rounding. Three things make it quicker
than calling such a layer for every character: what the input adds to the gates is looked up, or multiplied for several
steps at once; so are the gradients of the weights; and steps work in place (cells.py), in memory that is used again.
``python -m core bench char_rnn`` measures what that is good for.

Letters for shapes: T time, N batch, V vocabulary, D features of the input, L layers, H hidden units, and of cells.py:
R blocks of a row, G gates.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from core.char_rnn.cells import CELLS

PART = 8  # steps whose products are made at once: few enough for the cache of a core
ROWS = 800  # characters whose logits are made at once, for the same reason
MODULES = {"gru": nn.GRU, "lstm": nn.LSTM, "rnn": nn.RNN}


class Memory:
    """Large tensors that are used again from one training step to the next.

    Fresh memory comes page by page from the system, which for these sizes takes longer than to compute what is in it.
    """

    def __init__(self):
        self._free: dict[tuple, list[Tensor]] = {}

    def take(self, like: Tensor, *shape: int) -> Tensor:
        """A tensor of this shape and of the kind of ``like``, with any numbers in it."""
        free = self._free.get((shape, like.dtype, like.device))
        return free.pop() if free else like.new_empty(shape)

    def give(self, *tensors: Tensor) -> None:
        """Nobody looks at these any more."""
        for tensor in tensors:
            self._free.setdefault((tuple(tensor.shape), tensor.dtype, tensor.device), []).append(tensor)


# What the input adds to the gates


class _Lookup:
    """Of the first layer: a product for each character of the vocabulary, looked up."""

    def __init__(self, x: Tensor, embedding: Tensor, w_ih: Tensor, cell):
        self.x, self.embedding, self.w_ih = x, embedding, w_ih
        products = torch.addmm(cell.bias, embedding, w_ih.t())  # (V, G·H)
        self.table = torch.cat([cell.start.expand(len(embedding), -1), products], 1)  # (V, R·H)
        self.grad = torch.zeros_like(self.table)

    def add(self, part: slice, row: Tensor) -> None:
        torch.index_select(self.table, 0, self.x[part].flatten(), out=row)

    def collect(self, part: slice, row: Tensor) -> None:
        indices = self.x[part].flatten()
        self.grad += torch.ops.aten.embedding_dense_backward(row, indices, len(self.grad), -1, False)

    def gradients(self) -> tuple[Tensor, Tensor, Tensor]:
        """By the embedding, the weights and their bias."""
        grad = self.grad[:, -len(self.w_ih) :]
        return grad @ self.w_ih, grad.t() @ self.embedding, grad.sum(0)


class _Product:
    """Of the layers above: a product of the states (T, N, D) of the layer below with the weights."""

    def __init__(self, x: Tensor, w_ih: Tensor, cell, memory: Memory):
        self.x, self.w_ih, self.cell, self.memory = x, w_ih, cell, memory
        self.forth = w_ih.t().contiguous()

    def add(self, part: slice, row: Tensor) -> None:
        own = len(self.cell.start)
        row[:, :own] = self.cell.start
        torch.addmm(self.cell.bias, self.x[part].flatten(0, 1), self.forth, out=row[:, own:])

    def collect(self, part: slice, row: Tensor) -> None:
        if part.stop == len(self.x):  # the first to come
            self.by_x = self.memory.take(self.x, *self.x.shape)
            self.by_w, self.by_b = torch.zeros_like(self.w_ih), torch.zeros_like(self.w_ih[:, 0])
        grad = row[:, len(self.cell.start) :]
        torch.mm(grad, self.w_ih, out=self.by_x[part].flatten(0, 1))
        _add_gradients(grad, self.x[part], self.by_w, self.by_b)

    def gradients(self) -> tuple[Tensor, Tensor, Tensor]:
        """By the states below, the weights and their bias."""
        return self.by_x, self.by_w, self.by_b


def _add_gradients(grad: Tensor, x: Tensor, weight: Tensor, bias: Tensor) -> None:
    """Add what grad (n, M) and x (…, D) make up to the gradients of a weight (M, D) and of its bias (M,)."""
    weight.addmm_(grad.t(), x.reshape(len(grad), -1))
    bias.addmv_(grad.t(), grad.new_ones(len(grad)))


# One layer, then all of them


class _Layer:
    """What one layer computes over T steps for N sequences at once, forwards and backwards, from the state 0."""

    def __init__(self, kind: str, x: Tensor, embedding: Tensor | None, weights: tuple[Tensor, ...], memory: Memory):
        w_ih, self.w_hh, b_ih, b_hh = weights
        self.cell, self.memory = CELLS[kind](self.w_hh, b_ih, b_hh), memory
        (t, n), h = x.shape[:2], self.w_hh.shape[1]
        self.parts = [slice(i, min(i + PART, t)) for i in range(0, t, PART)]
        self.rows = memory.take(self.w_hh, t, n, self.cell.blocks * h)
        self.kept = memory.take(self.w_hh, t + 1, self.cell.kept, n, h)
        self.states = memory.take(self.w_hh, t + 1, n, h)
        views = self.cell.views(self.rows, self.kept, self.states)
        self.steps = list(zip(*(view.unbind() for view in views), strict=True))
        below = embedding is None
        self.input = _Product(x, w_ih, self.cell, memory) if below else _Lookup(x, embedding, w_ih, self.cell)

    def forward(self) -> Tensor:
        """The states (T, N, H) after each step."""
        self.states[0], self.kept[0] = 0, 0
        for part in self.parts:
            self.input.add(part, self.rows[part].flatten(0, 1))
            for step in self.steps[part]:
                self.cell.forward(*step)
        return self.states[1:]

    def backward(self, grad: Tensor) -> tuple[Tensor, list[Tensor]]:
        """From the gradient by the states (T, N, H), those by the input and by the four weights."""
        by_w, by_b = torch.zeros_like(self.w_hh), torch.zeros_like(self.w_hh[:, 0])
        carried = torch.zeros_like(grad[0])
        by_states = [carried, *grad.unbind()]
        by_state = by_states[-1]
        for part in reversed(self.parts):
            for t in reversed(range(part.start, part.stop)):
                by_state, carried = self.cell.backward(self.steps[t], by_state, carried, by_states[t])
            row = self.rows[part].flatten(0, 1)
            self.input.collect(part, row)
            _add_gradients(row[:, : len(by_b)], self.states[part], by_w, by_b)
        by_x, by_w_ih, by_b_ih = self.input.gradients()
        return by_x, [by_w_ih, self.cell.ordered(by_w), by_b_ih, self.cell.ordered(by_b)]

    def forget(self) -> None:
        """Give back the memory."""
        self.memory.give(self.rows, self.kept, self.states)


def _layers(kind: str, x: Tensor, embedding: Tensor, weights: tuple[Tensor, ...], memory: Memory) -> list[_Layer]:
    """All layers, computed forwards."""
    layers, out = [], x
    for i in range(0, len(weights), 4):
        layers.append(_Layer(kind, out, None if i else embedding, weights[i : i + 4], memory))
        out = layers[-1].forward()
    return layers


def states(kind: str, x: Tensor, embedding: Tensor, weights: tuple[Tensor, ...]) -> list[Tensor]:
    """The states (T, N, H) of each layer along x (T, N), int64, without gradients.

    Args:
        kind: a key of MODULES.
        embedding: (V, D).
        weights: four a layer, in the order of ``nn.GRU.parameters()``.
    """
    with torch.no_grad():
        return [layer.states[1:] for layer in _layers(kind, x, embedding, weights, Memory())]


def surprise(h: Tensor, y: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """−log p (nats) of each y (T, N) after the states h (T, N, H), by a linear layer (V, H) and softmax: (T, N)."""
    with torch.no_grad():
        rows, targets = h.flatten(0, 1).split(ROWS), y.flatten().split(ROWS)
        logits = (F.linear(row, weight, bias) for row in rows)
        found = [F.cross_entropy(z, t, reduction="none") for z, t in zip(logits, targets, strict=True)]
    return torch.cat(found).view(y.shape)


# The loss


def loss(kind: str, x: Tensor, y: Tensor, parameters: list[Tensor], memory: Memory) -> Tensor:
    """The mean of −log p (nats) of each y after the x up to there, with its gradients.

    Args:
        kind: a key of MODULES.
        x, y: (T, N), int64.
        parameters: embedding (V, D), weight (V, H) and bias (V,) of the linear layer at the end, and four a recurrent
            layer in the order of ``nn.GRU.parameters()``.
        memory: used again by the next call, once ``backward`` has run.
    """
    return _Loss.apply(kind, memory, x, y, *parameters)


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(ctx, kind, memory, x, y, embedding, weight, bias, *weights):
        ctx.layers, ctx.memory = _layers(kind, x, embedding, weights, memory), memory
        ctx.save_for_backward(embedding, weight, bias, *weights)  # torch notices if somebody changes them in between
        value, *ctx.gradients = _head(ctx.layers[-1].states[1:], y, weight, bias, memory)
        return value

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        _ = ctx.saved_tensors  # the check; a second call of backward ends here
        by_x, by_weight, by_bias = ctx.gradients
        found = []
        for layer in reversed(ctx.layers):
            by_states = by_x
            by_x, by_weights = layer.backward(by_states)
            found = [*by_weights, *found]
            ctx.memory.give(by_states)
        for layer in ctx.layers:
            layer.forget()
        return None, None, None, None, *(each.mul_(grad) for each in (by_x, by_weight, by_bias, *found))


def _head(h: Tensor, y: Tensor, weight: Tensor, bias: Tensor, memory: Memory) -> tuple[Tensor, ...]:
    """The mean of −log p of y (T, N), and its gradients by the states h (T, N, H), the weight (V, H) and bias (V,)."""
    by_h, by_weight, by_bias = memory.take(h, *h.shape), torch.zeros_like(weight), torch.zeros_like(bias)
    total, share, forth = h.new_zeros(()), h.new_full((1, 1), -1 / y.numel()), weight.t().contiguous()
    parts = zip(*(each.flatten(0, 1).split(ROWS) for each in (h, y, by_h)), strict=True)
    for row, target, by_row in parts:
        target = target[:, None]
        log_p = torch.addmm(bias, row, forth).log_softmax(1)  # (ROWS, V)
        total += log_p.gather(1, target).sum()
        grad = log_p.exp_().div_(y.numel()).scatter_add_(1, target, share.expand_as(target))
        torch.mm(grad, weight, out=by_row)
        _add_gradients(grad, row, by_weight, by_bias)
    return total / -y.numel(), by_h, by_weight, by_bias
