# SPDX-License-Identifier: Apache-2.0
"""On which side of zero a ReLU, a LeakyReLU or an absolute error stands when rounding decides.

A value within float32 rounding of zero may be positive in one program and negative in the other.
Forward passes agree all the same, but the gradient jumps: both are right. Such values are listed
here, closest to zero first, and each can be put on the other side.
"""

import torch

NEAR = 4e-6  # of the tensor's root mean square; float32 sums of up to 8192 terms


class Kinks:
    def __init__(self, networks):
        for network in networks:
            for layer in network.layers.values():
                if getattr(layer, "kind", None) in ("relu", "leaky_relu"):
                    layer.kinks = self
        self.turned = set()
        self.start()

    def start(self):
        """Before each update: passes are counted from here."""
        self.passes = {}
        self.near = []  # (distance, key)

    def positive(self, layer, x):
        """layer: whatever asks; its passes are told apart."""
        call = self.passes.get(layer, 0)
        self.passes[layer] = call + 1
        values = x.detach()
        side = values > 0
        distance = values.abs() / values.square().mean().sqrt().clamp(min=1e-30)
        close = (distance < NEAR).nonzero()
        # An exact zero is no matter of rounding: all programs send it the same way.
        for place in close.tolist():
            index = tuple(place)
            key = (layer, call, index)
            if values[index] != 0:
                self.near.append((float(distance[index]), key))
            if key in self.turned:
                side[index] = ~side[index]
        return side

    def candidates(self, most):
        return [key for _, key in sorted(self.near, key=lambda item: item[0])[:most]]
