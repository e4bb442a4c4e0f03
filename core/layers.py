"""Layers that are quick on a processor with small images: a convolution, normalisation; and parameters joined to one.

``python -m core bench classifier`` measures what they are good for.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.autograd.function import once_differentiable

PATCHES = 250_000  # numbers of patches (float32) worked on at a time: 1 MB


class Normalise(nn.Module):
    """(N, C, H, W) in [0, 1] → the same, per channel with the mean 0 and the standard deviation 1 of the training set.

    A channel in which all pixels are equal becomes 0: its deviation counts as one grey level.
    """

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1))  # (C, 1, 1)
        self.register_buffer("std", torch.tensor(std).clamp(min=1 / 255).view(-1, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sub(self.mean).div_(self.std)


class Conv2d(nn.Conv2d):
    """``nn.Conv2d`` without padding, as one matrix product: same parameters, same result up to rounding.

    Shapes are (N, C, H, W) as everywhere, but the numbers lie in memory with the batch last, as (C, H, W, N). Then the
    patches that a kernel sees are copied in runs of N numbers, and all images share one large matrix product.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1):
        super().__init__(in_channels, out_channels, kernel_size, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _PatchProduct.apply(x, self.weight, self.bias, self.stride[0])


class _PatchProduct(torch.autograd.Function):
    """x (N, C, H, W), weight (M, C, k, k), bias (M,) → (N, M, h, w), and its gradients.

    Works on some rows of the result at a time, so that their patches stay in the cache of a core, and takes the patches
    anew on the way back: that is quicker than to fetch them from memory.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, stride):
        x = x.permute(1, 2, 3, 0).contiguous()  # (C, H, W, N): no copy when it already lies so
        m, k = len(weight), weight.shape[-1]
        h, w, n = (x.shape[1] - k) // stride + 1, (x.shape[2] - k) // stride + 1, x.shape[3]
        out = x.new_empty(m, h * w * n)
        for rows in _parts(h, x.shape[0] * k * k * w * n):
            columns = slice(rows.start * w * n, rows.stop * w * n)
            torch.addmm(bias[:, None], weight.reshape(m, -1), _patches(x, k, stride, rows, w), out=out[:, columns])
        ctx.save_for_backward(x, weight)
        ctx.sizes = stride, h, w
        return out.view(m, h, w, n).permute(3, 0, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        (stride, h, w), m, k, n = ctx.sizes, len(weight), weight.shape[-1], x.shape[3]
        flat, grad = weight.reshape(m, -1), grad.permute(1, 2, 3, 0).reshape(m, -1)  # (M, C·k·k), (M, h·w·N)
        grad_x = torch.zeros_like(x) if ctx.needs_input_grad[0] else None
        grad_weight = torch.zeros_like(flat) if ctx.needs_input_grad[1] else None
        for rows in _parts(h, x.shape[0] * k * k * w * n):
            part = grad[:, rows.start * w * n : rows.stop * w * n]
            if grad_weight is not None:
                grad_weight.addmm_(part, _patches(x, k, stride, rows, w).t())
            if grad_x is not None:
                _scatter(flat.t() @ part, grad_x, k, stride, rows, w)
        if grad_x is not None:
            grad_x = grad_x.permute(3, 0, 1, 2)
        if grad_weight is not None:
            grad_weight = grad_weight.view_as(weight)
        return grad_x, grad_weight, grad.sum(1) if ctx.needs_input_grad[2] else None, None


def _parts(h: int, row: int) -> list[slice]:
    """The rows 0 to h in parts of about equal size, whose patches fit the cache; those of a row are ``row`` numbers."""
    count = min(h, -(-h * row // PATCHES))
    return [slice(i * h // count, (i + 1) * h // count) for i in range(count)]


def _windows(x: torch.Tensor, stride: int, rows: slice, w: int) -> tuple[tuple, tuple, int]:
    """Shape (C, h, w, N), strides and offset of the numbers that one place of the kernel sees in these rows."""
    to_c, to_row, to_column, to_image = x.stride()
    shape, offset = (x.shape[0], rows.stop - rows.start, w, x.shape[3]), rows.start * stride * to_row
    return shape, (to_c, stride * to_row, stride * to_column, to_image), x.storage_offset() + offset


def _patches(x: torch.Tensor, k: int, stride: int, rows: slice, w: int) -> torch.Tensor:
    """What the kernel sees of x (C, H, W, N) in these rows of the result: (C·k·k, rows·w·N)."""
    (c, h, w, n), (to_c, *steps), offset = _windows(x, stride, rows, w)
    shape, strides = (c, k, k, h, w, n), (to_c, x.stride(1), x.stride(2), *steps)
    return x.as_strided(shape, strides, offset).reshape(c * k * k, h * w * n)


def _scatter(patches: torch.Tensor, out: torch.Tensor, k: int, stride: int, rows: slice, w: int) -> None:
    """Add the gradients of the patches (C·k·k, rows·w·N) to ``out`` (C, H, W, N), where the patches were taken."""
    shape, strides, offset = _windows(out, stride, rows, w)
    for place, patch in enumerate(patches.view(shape[0], k * k, *shape[1:]).unbind(1)):
        row, column = divmod(place, k)
        out.as_strided(shape, strides, offset + row * out.stride(1) + column * out.stride(2)).add_(patch)


def joined(model: nn.Module) -> nn.Parameter:
    """One flat parameter of which all parameters of the model become views, as do their gradients.

    An optimizer then takes its step in one operation instead of one a layer, with the same numbers. Clear the gradients
    with ``zero_grad(set_to_none=False)``, so that they stay views.
    """
    parameters = list(model.parameters())
    flat = nn.Parameter(torch.cat([parameter.detach().flatten() for parameter in parameters]))
    flat.grad = torch.zeros_like(flat)
    start = 0
    for parameter in parameters:
        end = start + parameter.numel()
        parameter.data = flat.data[start:end].view_as(parameter)
        parameter.grad = flat.grad[start:end].view_as(parameter)
        start = end
    return flat
