"""The network of the char-RNN: the cells of core/char_rnn/cells.py between an embedding and a linear layer.

Letters for shapes: N batch, T time, V vocabulary, H hidden units.
"""

from __future__ import annotations

from torch import Tensor, nn

from core.char_rnn import recurrent
from core.char_rnn.recurrent import MODULES, Memory
from core.data.vocabulary import VOCABULARY


class CharRNN(nn.Module):
    """Embedding → recurrent layers → linear: characters (N, T), int64 in [0, V) → logits of the next (N, T, V)."""

    def __init__(self, cell: str, layers: int, hidden: int):
        super().__init__()
        self.cell = cell
        self.embedding = nn.Embedding(len(VOCABULARY), hidden)
        self.rnn = MODULES[cell](hidden, hidden, layers, batch_first=True)
        self.linear = nn.Linear(hidden, len(VOCABULARY))

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.rnn(self.embedding(x))  # (N, T, H)
        return self.linear(states)

    def loss(self, x: Tensor, memory: Memory) -> Tensor:
        """The mean cross-entropy (nats) of the characters x (T + 1, N), but the first, after those before them.

        The same as by ``forward``, up to rounding, in less than half the time.
        """
        parameters = [self.embedding.weight, *self.linear.parameters(), *self.rnn.parameters()]
        return recurrent.loss(self.cell, x[:-1], x[1:], parameters, memory)
