#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/networks.json: what small networks compute, by PyTorch in double precision.

    golden_networks.py > tests/golden/networks.json

Numbers that go in are hashes of their position (value()), so only results are stored. Everything
is in memory order n, h, w, c. Per network: outputs, gradients of <y, dy>, the states that a
training pass leaves, and of B = <dy, J ux> the tangent J ux and dB/dparameter.
"""

import json
import sys

import torch

from gantry_torch import network, spectral
from gantry_torch.network import from_memory, to_memory

MASK = 0xFFFFFFFF
EPS = 2.0**-16  # like the slopes below exact in float32, in which Gantry keeps them


def value(index, salt):
    """In [-1, 1); a fixed function of two integers, the same in C++."""
    h = ((index + 1) * 2654435761 + salt * 2246822519) & MASK
    h ^= h >> 15
    h = (h * 2246822519) & MASK
    h ^= h >> 13
    return h / 2147483648.0 - 1.0


def values(count, salt):
    return torch.tensor([value(i, salt) for i in range(count)], dtype=torch.float64)


def image(n, shape, salt):
    """N x C x H x W whose memory order n, h, w, c is numbered."""
    c, h, w = shape
    return values(n * c * h * w, salt).reshape(n, h, w, c).permute(0, 3, 1, 2)


NETWORKS = [
    {
        "name": "discriminator",
        "shape": [2, 6, 6],
        "samples": 4,
        "batch_groups": 2,
        "layers": [
            {"type": "conv", "channels": 3, "kernel": 3, "stride": 2, "padding": "same"},
            {"type": "leaky_relu", "slope": 0.25},
            {"type": "conv", "channels": 4, "kernel": [3, 2], "padding": [1, 0, 0, 1], "bias": False},
            {"type": "batch_norm", "eps": EPS, "momentum": 0.125},
            {"type": "leaky_relu", "slope": 0.375},
            {"type": "flatten"},
            {"type": "dense", "units": 2},
        ],
    },
    {
        "name": "generator",
        "shape": [5, 1, 1],
        "samples": 3,
        "layers": [
            {"type": "dense", "units": 12, "bias": False},
            {"type": "reshape", "shape": [3, 2, 2]},
            {"type": "batch_norm", "eps": 64 * EPS, "momentum": 0.25, "unbiased": False},
            {"type": "relu"},
            {"type": "conv_transpose", "channels": 4, "kernel": 4, "stride": 2, "padding": 1},
            {"type": "tanh"},
            {"type": "upsample", "factor": 2, "kind": "nearest"},
            {"type": "conv_transpose", "channels": 2, "kernel": 3, "padding": "same"},
            {"type": "elu"},
            {"type": "conv", "channels": 1, "kernel": 5, "padding": "same"},
            {"type": "sigmoid"},
        ],
    },
    {
        "name": "graph",
        "shape": [2, 6, 5],
        "samples": 2,
        "layers": [
            {"type": "conv", "channels": 4, "kernel": 3, "padding": 1, "name": "stem"},
            {"type": "silu", "name": "a"},
            {"type": "conv", "channels": 4, "kernel": 3, "padding": 2, "dilation": 2, "groups": 2},
            {"type": "softplus", "name": "b"},
            {"type": "add", "inputs": ["a", "b"], "name": "sum"},
            {"type": "max_pool", "kernel": 2, "padding": [0, 0, 0, 1]},
            {"type": "conv", "channels": 2, "kernel": 1, "name": "c"},
            {"type": "average_pool", "kernel": 3, "stride": 2, "padding": 1, "inputs": ["sum"]},
            {"type": "concat", "inputs": ["c", "average_pool1"]},
            {"type": "conv", "channels": 1, "kernel": 3},
        ],
    },
    {
        "name": "norms",
        "shape": [4, 4, 5],
        "samples": 2,
        "layers": [
            {"type": "group_norm", "groups": 2, "eps": EPS},
            {"type": "relu"},
            {"type": "pad", "padding": [1, 2, 0, 1], "kind": "reflect"},
            {"type": "conv", "channels": 3, "kernel": 3},
            {"type": "layer_norm", "eps": EPS},
            {"type": "upsample", "factor": 2, "kind": "bilinear"},
            {"type": "instance_norm", "affine": True, "eps": EPS},
            {"type": "leaky_relu", "slope": 0.125},
            {"type": "crop", "padding": [1, 0, 2, 1]},
            {"type": "conv_transpose", "channels": 2, "kernel": 5, "stride": 2, "padding": "same"},
            {"type": "global_average_pool"},
        ],
    },
    {
        "name": "spectral",
        "shape": [2, 4, 4],
        "samples": 2,
        "spectral_norm": True,
        "layers": [
            {"type": "conv", "channels": 3, "kernel": 3, "stride": 2, "padding": 1},
            {"type": "leaky_relu", "slope": 0.25},
            {"type": "conv_transpose", "channels": 2, "kernel": 2, "bias": False},
            {"type": "tanh"},
            {"type": "flatten"},
            {"type": "dense", "units": 2},
        ],
    },
    {
        "name": "projection",
        "shape": [6, 1, 1],
        "samples": 4,
        "layers": [
            {"type": "dense", "units": 4, "name": "hidden"},
            {"type": "tanh", "name": "features"},
            {"type": "dense", "units": 1, "name": "marginal"},
            {"type": "embedding", "units": 4, "inputs": ["x"]},
            {"type": "dot", "inputs": ["features", "embedding1"]},
            {"type": "add", "inputs": ["marginal", "dot1"]},
        ],
    },
]


@torch.no_grad()
def fill(net):
    """Sets every parameter and u; returns {name: salt}, numbered in the order of the names."""
    salts = {}
    given = {**net.tensors(), **net.tensors(buffers=True)}
    for salt, name in enumerate(sorted(given), start=10):
        if name.endswith(("running_mean", "running_var")):
            continue  # as initialised: 0 and 1
        tensor = given[name]
        numbers = values(tensor.numel(), salt)
        if name.endswith("scale"):
            numbers = 1 + 0.3 * numbers
        elif name.endswith("weight_u"):
            numbers = numbers / numbers.norm()
        else:
            numbers = 0.5 * numbers
        tensor.copy_(from_memory(numbers, tensor))
        salts[name] = salt
    return salts


def numbers_of(tensor):
    return [float(f"{x:.12g}") for x in to_memory(tensor.detach()).flatten().tolist()]


def run(net, x, groups):
    """One pass over consecutive groups of the batch, each with batch statistics of its own."""
    return torch.cat([net(part) for part in x.chunk(groups)])


def golden(entry):
    entry = dict(entry)
    groups = entry.pop("batch_groups", 1)
    shape, samples, name = entry.pop("shape"), entry.pop("samples"), entry.pop("name")
    net = network.Network(entry, {"x": tuple(shape)}).double().train()
    salts = fill(net)
    spectral.power_iterate(net)
    x = image(samples, shape, 1).requires_grad_()
    y = run(net, x, groups)
    states = {key: numbers_of(value) for key, value in net.tensors(buffers=True).items()}
    dy = image(samples, net.shapes[net.output_names[0]], 2).requires_grad_()
    ux = image(samples, shape, 3)
    params = net.tensors()
    dx, *dw = torch.autograd.grad(y, [x, *params.values()], dy, create_graph=True)
    # B = <ux, J^T dy> is linear in dy, and dB/d(dy) = J ux.
    uy, *second = torch.autograd.grad(
        (dx * ux).sum(), [dy, *params.values()], allow_unused=True, materialize_grads=True
    )
    return {
        "name": name,
        "network": entry,
        "shape": shape,
        "samples": samples,
        "batch_groups": groups,
        "salts": salts,
        "y": numbers_of(y),
        "dx": numbers_of(dx),
        "dw": dict(zip(params, map(numbers_of, dw))),
        "states": states,
        "uy": numbers_of(uy),
        "second": dict(zip(params, map(numbers_of, second))),
    }


def main():
    torch.set_num_threads(1)
    lines = [json.dumps(golden(entry), separators=(",", ":")) for entry in NETWORKS]
    sys.stdout.write("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
