"""Weights as the bytes of a file: safetensors, small enough to come with the project, and free of code.

Numbers are kept as float16. Matrices of a million or more are kept in 8 bits: whole numbers from −127 to 127, with a
float32 scale for each row. What a run's record says of its weights was measured on the weights as they are kept.
"""

from __future__ import annotations

import torch
from safetensors.torch import load, save

LARGE = 1_000_000  # numbers of a matrix from which on 8 bits have to do
SCALE = ".scale"  # after the name of a matrix in 8 bits: what a whole number stands for, float32 (rows, 1)


def pack(state: dict[str, torch.Tensor]) -> bytes:
    """A state dict as bytes. What float16 would make infinite is kept as it is."""
    packed = {}
    for name, tensor in state.items():
        tensor = tensor.detach().cpu()
        if tensor.dim() == 2 and tensor.numel() >= LARGE and tensor.isfinite().all():
            packed[name], packed[name + SCALE] = _in_8_bits(tensor.float())
        else:
            half = tensor.half()
            packed[name] = (half if half.isfinite().equal(tensor.isfinite()) else tensor).contiguous()
    return save(packed)


def unpack(content: bytes) -> dict[str, torch.Tensor]:
    """The state dict, float32, of bytes from ``pack``.

    Raises:
        SafetensorError: they are no such bytes.
    """
    packed = load(content)
    scales = {name: packed.pop(name + SCALE) for name in list(packed) if name + SCALE in packed}
    return {name: tensor.float() * scales.get(name, 1.0) for name, tensor in packed.items()}


def _in_8_bits(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    scale = matrix.abs().amax(1, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny) / 127
    return (matrix / scale).round().to(torch.int8), scale
