# SPDX-License-Identifier: Apache-2.0
"""A network of a config: a list of layers, each fed by the one before or by named inputs."""

import torch
from torch import nn

from . import layers, norms, spectral

TYPES = {
    "conv": layers.Conv,
    "conv_transpose": layers.ConvTranspose,
    "dense": layers.Dense,
    "flatten": layers.Flatten,
    "reshape": layers.Reshape,
    "dropout": layers.Dropout,
    "upsample": layers.Upsample,
    "max_pool": layers.Pool,
    "average_pool": layers.Pool,
    "global_average_pool": layers.GlobalPool,
    "global_max_pool": layers.GlobalPool,
    "pad": layers.Pad,
    "crop": layers.Pad,
    "concat": layers.Concat,
    "add": layers.Add,
    "batch_norm": norms.Norm,
    "layer_norm": norms.Norm,
    "instance_norm": norms.Norm,
    "group_norm": norms.Norm,
}
for _kind in ("relu", "leaky_relu", "tanh", "sigmoid", "elu", "silu", "softplus"):
    TYPES[_kind] = layers.Activation


def layer_names(entries):
    """Given names, else type + running number of that type: conv1, batch_norm1."""
    counts, names = {}, []
    for entry in entries:
        counts[entry["type"]] = counts.get(entry["type"], 0) + 1
        names.append(entry.get("name") or f"{entry['type']}{counts[entry['type']]}")
    return names


class Network(nn.Module):
    """config: the "generator" or "discriminator" section. inputs: {name: (C, H, W)}."""

    def __init__(self, config, inputs):
        super().__init__()
        self.input_names = list(inputs)
        self.names = layer_names(config["layers"])
        self.sources = []
        self.layers = nn.ModuleDict()
        shapes = dict(inputs)
        previous = self.input_names[0]
        for name, entry in zip(self.names, config["layers"]):
            source = entry.get("inputs") or [previous]
            layer = TYPES[entry["type"]](entry, [shapes[key] for key in source])
            self.sources.append(source)
            self.layers[name] = layer
            shapes[name] = layer.shape
            previous = name
        self.output_names = config.get("outputs") or [previous]
        self.shapes = shapes
        for name, entry in zip(self.names, config["layers"]):
            normalised = entry.get("spectral_norm") or config.get("spectral_norm")
            if normalised and hasattr(self.layers[name], "weight"):
                spectral.attach(self.layers[name])

    def forward(self, *inputs, masks=None):
        """Tensors in the order of the inputs' names; returns the first output, or all as a tuple."""
        values = dict(zip(self.input_names, inputs))
        for name, source in zip(self.names, self.sources):
            mask = masks.get(name) if masks else None
            values[name] = self.layers[name]([values[key] for key in source], mask)
        outputs = tuple(values[name] for name in self.output_names)
        return outputs[0] if len(outputs) == 1 else outputs

    def tensors(self, buffers=False):
        """{"conv1.weight": tensor} of parameters, or of states."""
        found = self.layers.named_buffers() if buffers else self.layers.named_parameters()
        return {spectral.plain_name(name): value for name, value in found}

    def parameter_count(self):
        return sum(value.numel() for value in self.parameters())

    def track(self, on):
        """Whether forward passes in training mode move running statistics."""
        for layer in self.layers.values():
            if isinstance(layer, norms.Norm):
                layer.track = on


def data_shape(config):
    """(C, H, W) of what the generator makes, which is what the discriminator is shown."""
    generator = build_generator(config)
    return generator.shapes[generator.output_names[0]]


def build_generator(config):
    return Network(config["generator"], {"z": (config["latent"]["size"], 1, 1)})


def build(config):
    """(generator, discriminator) of a config."""
    generator = build_generator(config)
    image = generator.shapes[generator.output_names[0]]
    return generator, Network(config["discriminator"], {"x": image})


def from_memory(tensor, like):
    """A trace's tensor (memory order n, h, w, c) in the shape and order of `like`."""
    if like.dim() != 4:
        return tensor.reshape(like.shape)
    n, c, h, w = like.shape
    return tensor.reshape(n, h, w, c).permute(0, 3, 1, 2)


def to_memory(tensor):
    return tensor.permute(0, 2, 3, 1) if tensor.dim() == 4 else tensor


@torch.no_grad()
def load(network, net, tensors):
    """Fills parameters and states from {"g.conv1.weight": tensor}; returns the names it lacked."""
    missing = []
    for name, value in {**network.tensors(), **network.tensors(buffers=True)}.items():
        key = f"{net}.{name}"
        if key in tensors:
            value.copy_(from_memory(tensors[key], value))
        else:
            missing.append(key)
    return missing
