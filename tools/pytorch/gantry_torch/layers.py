# SPDX-License-Identifier: Apache-2.0
"""The layer types of Gantry's configs.

A layer is built with the shapes (C, H, W) of its inputs and knows the shape of its output. Values
are N x C x H x W tensors; features have H = W = 1. Flatten and reshape go through memory order
N, H, W, C, as in Keras.
"""

import torch
from torch import nn
from torch.nn import functional as F


def pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def same_padding(size, kernel, stride, dilation=1):
    """(before, after) so that the output has ceil(size / stride) rows."""
    out = -(-size // stride)
    total = max((out - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def explicit_padding(value):
    """(top, bottom, left, right) of a padding that is not "same"."""
    if value == "valid":
        return 0, 0, 0, 0
    if isinstance(value, int):
        return (value,) * 4
    if len(value) == 2:
        return value[0], value[0], value[1], value[1]
    return tuple(value)


class Layer(nn.Module):
    """forward(inputs, mask): a list of tensors, and for dropout the mask to use or None."""

    shape = None  # (C, H, W) of the output


class Conv(Layer):
    def __init__(self, c, x):
        super().__init__()
        channels, height, width = x[0]
        kernel, stride = pair(c["kernel"]), pair(c.get("stride", 1))
        dilation, groups = pair(c.get("dilation", 1)), c.get("groups", 1)
        padding = c.get("padding", 0)
        if padding == "same":
            pad = same_padding(height, kernel[0], stride[0], dilation[0]) + same_padding(
                width, kernel[1], stride[1], dilation[1]
            )
        else:
            pad = explicit_padding(padding)
        self.weight = nn.Parameter(torch.empty(c["channels"], channels // groups, *kernel))
        self.bias = nn.Parameter(torch.empty(c["channels"])) if c.get("bias", True) else None
        self.args = {"stride": stride, "dilation": dilation, "groups": groups}
        symmetric = pad[0] == pad[1] and pad[2] == pad[3]
        self.args["padding"] = (pad[0], pad[2]) if symmetric else 0
        self.pad = None if symmetric else (pad[2], pad[3], pad[0], pad[1])
        self.shape = (
            c["channels"],
            (height + pad[0] + pad[1] - dilation[0] * (kernel[0] - 1) - 1) // stride[0] + 1,
            (width + pad[2] + pad[3] - dilation[1] * (kernel[1] - 1) - 1) // stride[1] + 1,
        )

    def forward(self, x, mask=None):
        value = F.pad(x[0], self.pad) if self.pad else x[0]
        return F.conv2d(value, self.weight, self.bias, **self.args)


class ConvTranspose(Layer):
    def __init__(self, c, x):
        super().__init__()
        channels, height, width = x[0]
        kernel, stride = pair(c["kernel"]), pair(c.get("stride", 1))
        dilation, groups = pair(c.get("dilation", 1)), c.get("groups", 1)
        extra = pair(c.get("output_padding", 0))
        full = [
            (n - 1) * s + d * (k - 1) + 1
            for n, s, d, k in zip((height, width), stride, dilation, kernel)
        ]
        if c.get("padding", 0) == "same":  # output = input x stride
            crop = []
            for n, s, size in zip((height, width), stride, full):
                crop += [max(size - n * s, 0) // 2, max(size - n * s, 0) - max(size - n * s, 0) // 2]
            extra = [max(n * s - size, 0) for n, s, size in zip((height, width), stride, full)]
        else:
            crop = list(explicit_padding(c.get("padding", 0)))
        out = c["channels"]
        self.weight = nn.Parameter(torch.empty(channels, out // groups, *kernel))
        self.bias = nn.Parameter(torch.empty(out)) if c.get("bias", True) else None
        self.args = {"stride": stride, "dilation": dilation, "groups": groups}
        self.args["output_padding"] = tuple(extra)
        symmetric = crop[0] == crop[1] and crop[2] == crop[3]
        self.args["padding"] = (crop[0], crop[2]) if symmetric else 0
        self.crop = None if symmetric else crop
        self.shape = (
            out,
            full[0] - crop[0] - crop[1] + extra[0],
            full[1] - crop[2] - crop[3] + extra[1],
        )

    def forward(self, x, mask=None):
        y = F.conv_transpose2d(x[0], self.weight, self.bias, **self.args)
        if self.crop:
            top, bottom, left, right = self.crop
            y = y[:, :, top : y.shape[2] - bottom, left : y.shape[3] - right]
        return y


class Dense(Layer):
    def __init__(self, c, x):
        super().__init__()
        channels, height, width = x[0]
        self.weight = nn.Parameter(torch.empty(c["units"], channels * height * width))
        self.bias = nn.Parameter(torch.empty(c["units"])) if c.get("bias", True) else None
        self.shape = (c["units"], 1, 1)

    def forward(self, x, mask=None):
        y = F.linear(memory_order(x[0]), self.weight, self.bias)
        return y[:, :, None, None]


class Embedding(Dense):
    """nn.Embedding on one-hot vectors; the weight is its transpose."""

    def __init__(self, c, x):
        super().__init__({**c, "bias": False}, x)
        nn.init.normal_(self.weight)


def memory_order(x):
    """N x (H W C): the order in which an image lies in memory. Free for channels_last tensors."""
    return x.permute(0, 2, 3, 1).reshape(x.shape[0], -1)


class Flatten(Layer):
    def __init__(self, c, x):
        super().__init__()
        channels, height, width = x[0]
        self.shape = (channels * height * width, 1, 1)

    def forward(self, x, mask=None):
        return memory_order(x[0])[:, :, None, None]


class Reshape(Layer):
    def __init__(self, c, x):
        super().__init__()
        self.shape = tuple(c["shape"])

    def forward(self, x, mask=None):
        channels, height, width = self.shape
        return memory_order(x[0]).reshape(-1, height, width, channels).permute(0, 3, 1, 2)


class Activation(Layer):
    def __init__(self, c, x):
        super().__init__()
        self.shape = x[0]
        self.kind = c["type"]
        self.slope = c.get("slope", 0.2) if self.kind == "leaky_relu" else 0.0
        self.alpha = c.get("alpha", 1.0)
        self.kinks = None  # kinks.Kinks while a trace is replayed

    def forward(self, x, mask=None):
        x = x[0]
        if self.kind in ("relu", "leaky_relu") and self.kinks is not None:
            return torch.where(self.kinks.positive(self, x), x, self.slope * x)
        if self.kind == "leaky_relu":
            return F.leaky_relu(x, self.slope)
        if self.kind == "elu":
            return F.elu(x, self.alpha)
        return {
            "relu": F.relu,
            "tanh": torch.tanh,
            "sigmoid": torch.sigmoid,
            "silu": F.silu,
            "softplus": F.softplus,
        }[self.kind](x)


class Dropout(Layer):
    def __init__(self, c, x):
        super().__init__()
        self.shape = x[0]
        self.rate = c.get("rate", 0.5)

    def forward(self, x, mask=None):
        if mask is not None:
            return x[0] * mask
        return F.dropout(x[0], self.rate, self.training)


class Upsample(Layer):
    def __init__(self, c, x):
        super().__init__()
        channels, height, width = x[0]
        self.factor = c.get("factor", 2)
        self.kind = c.get("kind", "nearest")
        self.shape = (channels, height * self.factor, width * self.factor)

    def forward(self, x, mask=None):
        if self.kind == "bilinear":
            return F.interpolate(
                x[0], scale_factor=self.factor, mode="bilinear", align_corners=False
            )
        return F.interpolate(x[0], scale_factor=self.factor, mode="nearest")


class Pool(Layer):
    def __init__(self, c, x):
        super().__init__()
        channels, height, width = x[0]
        self.average = c["type"] == "average_pool"
        self.kernel = pair(c.get("kernel", 2))
        stride = pair(c.get("stride", 0))  # 0: as many as the kernel has
        self.stride = tuple(s or k for s, k in zip(stride, self.kernel))
        if c.get("padding", 0) == "same":
            pad = same_padding(height, self.kernel[0], self.stride[0]) + same_padding(
                width, self.kernel[1], self.stride[1]
            )
        else:
            pad = explicit_padding(c.get("padding", 0))
        self.pad = (pad[2], pad[3], pad[0], pad[1])
        self.shape = (
            channels,
            (height + pad[0] + pad[1] - self.kernel[0]) // self.stride[0] + 1,
            (width + pad[2] + pad[3] - self.kernel[1]) // self.stride[1] + 1,
        )

    def forward(self, x, mask=None):
        if not self.average:
            padded = F.pad(x[0], self.pad, value=float("-inf")) if any(self.pad) else x[0]
            return F.max_pool2d(padded, self.kernel, self.stride)
        if not any(self.pad):
            return F.avg_pool2d(x[0], self.kernel, self.stride)
        # Padding is left out of the mean: divide by the pixels that are there.
        ones = F.pad(torch.ones_like(x[0][:1, :1]), self.pad)
        share = F.avg_pool2d(ones, self.kernel, self.stride)
        return F.avg_pool2d(F.pad(x[0], self.pad), self.kernel, self.stride) / share


class GlobalPool(Layer):
    def __init__(self, c, x):
        super().__init__()
        self.shape = (x[0][0], 1, 1)
        self.reduce = torch.amax if c["type"] == "global_max_pool" else torch.mean

    def forward(self, x, mask=None):
        return self.reduce(x[0], dim=(2, 3), keepdim=True)


class Pad(Layer):
    """Adds a frame (zero or reflect), or as "crop" takes one off."""

    def __init__(self, c, x):
        super().__init__()
        channels, height, width = x[0]
        sign = -1 if c["type"] == "crop" else 1
        top, bottom, left, right = (sign * side for side in explicit_padding(c["padding"]))
        self.pad = (left, right, top, bottom)
        self.mode = "reflect" if c.get("kind") == "reflect" else "constant"
        self.shape = (channels, height + top + bottom, width + left + right)

    def forward(self, x, mask=None):
        return F.pad(x[0], self.pad, mode=self.mode)


class Concat(Layer):
    def __init__(self, c, x):
        super().__init__()
        self.shape = (sum(shape[0] for shape in x), *x[0][1:])

    def forward(self, x, mask=None):
        return torch.cat(x, dim=1)


class Add(Layer):
    def __init__(self, c, x):
        super().__init__()
        self.shape = x[0]

    def forward(self, x, mask=None):
        return sum(x[1:], x[0])


class MinibatchDiscrimination(Layer):
    """Salimans et al. 2016, section 3.2. The weight's rows are (dimension, feature) pairs, the
    features fastest."""

    def __init__(self, c, x):
        super().__init__()
        self.features, self.dimensions = c.get("features", 100), c.get("dimensions", 5)
        width = x[0][0]
        self.weight = nn.Parameter(torch.empty(self.dimensions * self.features, width))
        self.shape = (width + self.features, 1, 1)

    def forward(self, x, mask=None):
        x = x[0].flatten(1)
        m = F.linear(x, self.weight).view(len(x), self.dimensions, self.features)
        near = torch.exp(-(m[:, None] - m[None]).abs().sum(2))
        others = 1 - torch.eye(len(x), dtype=x.dtype)
        o = (near * others[:, :, None]).sum(1)
        return torch.cat([x, o], dim=1)[:, :, None, None]


class Dot(Layer):
    shape = (1, 1, 1)

    def __init__(self, c, x):
        super().__init__()

    def forward(self, x, mask=None):
        return (x[0] * x[1]).sum(dim=(1, 2, 3), keepdim=True)
