# SPDX-License-Identifier: Apache-2.0
"""Batch, layer, instance and group norm: scale and shift per channel, biased variance."""

import torch
from torch import nn
from torch.nn import functional as F

from .layers import Layer


class VirtualBatchNorm(Layer):
    """Salimans et al. 2016, section 3.4. The first `reference` samples of the batch are the
    reference; the network sets the number."""

    def __init__(self, c, x):
        super().__init__()
        self.shape, self.eps, self.reference = x[0], c.get("eps", 1e-5), 0
        self.scale = nn.Parameter(torch.ones(self.shape[0]))
        self.shift = nn.Parameter(torch.zeros(self.shape[0]))

    def forward(self, x, mask=None):
        fixed, rest = x[0][: self.reference], x[0][self.reference :]
        own = 1 / (self.reference + 1)
        mean, square = fixed.mean((0, 2, 3)), fixed.square().mean((0, 2, 3))
        means = (1 - own) * mean + own * rest.mean((2, 3))
        squares = (1 - own) * square + own * rest.square().mean((2, 3))
        mean, square = mean.expand(len(fixed), -1), square.expand(len(fixed), -1)
        mean, square = torch.cat([mean, means]), torch.cat([square, squares])
        deviation = (square - mean.square() + self.eps).sqrt()
        y = (x[0] - mean[:, :, None, None]) / deviation[:, :, None, None]
        return y * self.scale[:, None, None] + self.shift[:, None, None]


class Norm(Layer):
    def __init__(self, c, x):
        super().__init__()
        self.shape = x[0]
        self.kind = c["type"]
        self.eps = c.get("eps", 1e-5)
        self.groups = c.get("groups", 1)
        self.momentum = c.get("momentum", 0.1)
        self.unbiased = c.get("unbiased", True)
        channels = self.shape[0]
        scale, shift = torch.ones(channels), torch.zeros(channels)
        if c.get("affine", self.kind != "instance_norm"):
            self.scale, self.shift = nn.Parameter(scale), nn.Parameter(shift)
        else:  # states: saved, not learnt
            self.register_buffer("scale", scale)
            self.register_buffer("shift", shift)
        if self.kind == "batch_norm":
            self.register_buffer("running_mean", torch.zeros(channels))
            self.register_buffer("running_var", torch.ones(channels))
        self.track = True

    def forward(self, x, mask=None):
        x = x[0]
        if self.kind == "batch_norm":
            return self.batch(x)
        if self.kind == "instance_norm":
            return F.group_norm(x, x.shape[1], self.scale, self.shift, self.eps)
        groups = self.groups if self.kind == "group_norm" else 1
        return F.group_norm(x, groups, self.scale, self.shift, self.eps)

    def batch(self, x):
        if not self.training:
            return F.batch_norm(
                x, self.running_mean, self.running_var, self.scale, self.shift, False, 0, self.eps
            )
        if self.unbiased and self.track:
            return F.batch_norm(
                x,
                self.running_mean,
                self.running_var,
                self.scale,
                self.shift,
                True,
                self.momentum,
                self.eps,
            )
        if self.track:
            self.move_biased(x.detach())
        return F.batch_norm(x, None, None, self.scale, self.shift, True, 0, self.eps)

    def move_biased(self, x):
        variance, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0)
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
        self.running_var.lerp_(variance.to(self.running_var.dtype), self.momentum)
