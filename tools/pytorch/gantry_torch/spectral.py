# SPDX-License-Identifier: Apache-2.0
"""Spectral normalisation (Miyato et al. 2018, algorithm 1).

The weight is seen as rows x columns, rows being its first dimension. One power iteration is made
when asked for (power_iterate), not by a forward pass, so that several passes may share a weight.
"""

import torch
from torch.nn.utils import parametrize

EPS = 1e-12


class Spectral(torch.nn.Module):
    def __init__(self, rows):
        super().__init__()
        self.register_buffer("u", torch.randn(rows))
        self.v = None

    @torch.no_grad()
    def iterate(self, weight, count):
        matrix = weight.reshape(weight.shape[0], -1)
        for _ in range(count):
            v = matrix.t() @ self.u
            v = v / max(v.norm().item(), EPS)
            u = matrix @ v
            self.u.copy_(u / max(u.norm().item(), EPS))
            self.v = v
        if count == 0:
            v = matrix.t() @ self.u
            self.v = v / max(v.norm().item(), EPS)

    def forward(self, weight):
        # v follows from u; registering the module has made one before its type was settled.
        if self.v is None or self.v.dtype != weight.dtype:
            self.iterate(weight.detach(), 0)
        matrix = weight.reshape(weight.shape[0], -1)
        return weight / torch.dot(self.u.clone(), matrix @ self.v)


def attach(layer):
    parametrize.register_parametrization(layer, "weight", Spectral(layer.weight.shape[0]))


def power_iterate(network, count=1):
    for layer in network.layers.values():
        if parametrize.is_parametrized(layer, "weight"):
            weight = layer.parametrizations.weight.original
            layer.parametrizations.weight[0].iterate(weight.detach(), count)


def plain_name(name):
    """conv1.weight for conv1.parametrizations.weight.original, conv1.weight_u for its vector."""
    name = name.replace(".parametrizations.weight.original", ".weight")
    return name.replace(".parametrizations.weight.0.u", ".weight_u")
