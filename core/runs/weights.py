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
        tensor = tensor if tensor.is_floating_point() else tensor.float()
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
        ValueError: a tensor holds no real numbers, or of a type unknown to torch, or has no scales that fit it.
    """
    try:
        packed = load(content)
    except KeyError as error:
        raise ValueError(f"a tensor has the type {error}, which this torch does not know") from error
    scales = {name: packed.pop(name + SCALE) for name in list(packed) if name + SCALE in packed}
    return {name: _unpacked(name, tensor, scales.get(name)) for name, tensor in sorted(packed.items())}


def _unpacked(name: str, tensor: torch.Tensor, scale: torch.Tensor | None) -> torch.Tensor:
    if tensor.is_complex():
        raise ValueError(f"{name} holds complex numbers")
    if scale is None:
        if not tensor.is_floating_point():  # else whole numbers would pass for weights of up to 127
            raise ValueError(f"{name} holds whole numbers, and no scales say what they stand for")
        return tensor.float()
    if tensor.dim() != 2 or scale.shape != (len(tensor), 1):  # else they might make a small file a giant tensor
        raise ValueError(f"the scales of {name} are not one a row")
    return tensor.float() * _unpacked(name + SCALE, scale, None)


def _in_8_bits(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    scale = matrix.abs().amax(1, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny) / 127
    return (matrix / scale).round().to(torch.int8), scale
