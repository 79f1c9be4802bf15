# SPDX-License-Identifier: Apache-2.0
"""A network of a config: a list of layers, each fed by the one before or by named inputs."""

import torch
from torch import nn

from . import layers, norms, spectral

TYPES = {
    "conv": layers.Conv,
    "conv_transpose": layers.ConvTranspose,
    "dense": layers.Dense,
    "embedding": layers.Embedding,
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
    "virtual_batch_norm": norms.VirtualBatchNorm,
    "minibatch_discrimination": layers.MinibatchDiscrimination,
    "dot": layers.Dot,
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
        self.reference = None  # of virtual batch norm: a batch that goes before the samples
        for name, entry in zip(self.names, config["layers"]):
            normalised = entry.get("spectral_norm") or config.get("spectral_norm")
            if normalised and hasattr(self.layers[name], "weight"):
                spectral.attach(self.layers[name])

    def forward(self, *inputs, masks=None):
        """Tensors in the order of the inputs' names; returns the first output, or all as a tuple."""
        if self.reference is not None:
            return self.without_reference(inputs, masks)
        values = dict(zip(self.input_names, inputs))
        for name, source in zip(self.names, self.sources):
            mask = masks.get(name) if masks else None
            values[name] = self.layers[name]([values[key] for key in source], mask)
        outputs = tuple(values[name] for name in self.output_names)
        return outputs[0] if len(outputs) == 1 else outputs

    def without_reference(self, inputs, masks):
        reference, self.reference = self.reference, None
        for layer in self.layers.values():
            if isinstance(layer, norms.VirtualBatchNorm):
                layer.reference = len(reference)
        outputs = self([torch.cat([reference, x]) for x in inputs][0], masks=masks)
        self.reference = reference
        if isinstance(outputs, tuple):
            return tuple(y[len(reference) :] for y in outputs)
        return outputs[len(reference) :]

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
    if "generator" not in config:
        height, width = layers.pair(config["data"].get("size", 28))
        stacked = config["data"]["source"] == "stacked_mnist"
        return 3 if stacked else config["data"].get("channels") or 1, height, width
    generator = build_generator(config)
    return generator.shapes[generator.output_names[0]]


def classes_of(config):
    """How many classes the data of a config have."""
    data = config["data"]
    if data.get("classes"):
        return len(data["classes"])
    return {"glyphs": data.get("glyphs", 10), "stacked_mnist": 1000}.get(data["source"], 10)


def code_width(code):
    return code.get("classes", 10) if code["type"] == "categorical" else code.get("size", 1)


def inputs_of(config, section, main, shape):
    """{name: (C, H, W)} of what a network is given: `main` of that shape, and labels if named."""
    shapes = {main: shape, "label": (classes_of(config), 1, 1)}
    return {name: shapes[name] for name in config[section].get("inputs") or [main]}


def build_generator(config):
    latent = config["latent"]
    width = latent["size"] + sum(code_width(code) for code in latent.get("codes", []))
    return Network(config["generator"], inputs_of(config, "generator", "z", (width, 1, 1)))


def packing_of(config):
    """How many samples the discriminator judges at once."""
    return config.get("objective", {}).get("packing", 1)


def pack(x, count):
    """Lin et al. 2018: each `count` neighbours of a batch joined along the channels."""
    return x.reshape(len(x) // count, count * x.shape[1], *x.shape[2:])


def build(config):
    """(generator, discriminator) of a config."""
    generator = build_generator(config)
    channels, height, width = generator.shapes[generator.output_names[0]]
    judged = channels * packing_of(config), height, width
    inputs = inputs_of(config, "discriminator", "x", judged)
    return generator, Network(config["discriminator"], inputs)


def build_all(config):
    """{"g": generator, "d": discriminator} of a config, or {"c": classifier}."""
    if "classifier" in config:
        return {"c": Network(config["classifier"], {"x": data_shape(config)})}
    return dict(zip("gd", build(config)))


def arguments(network, main, labels):
    """What Network.forward takes: `main`, and one-hot labels (class numbers, N x 1 x 1 x 1)."""
    values = []
    for name in network.input_names:
        if name != "label":
            values.append(main)
            continue
        classes = network.shapes["label"][0]
        one_hot = torch.nn.functional.one_hot(labels.flatten().long(), classes)
        values.append(one_hot.to(main.dtype)[:, :, None, None])
    return values


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
    if f"{net}.reference" in tensors:
        network.reference = tensors[f"{net}.reference"].double().permute(0, 3, 1, 2)
    for name, value in {**network.tensors(), **network.tensors(buffers=True)}.items():
        key = f"{net}.{name}"
        if key in tensors:
            value.copy_(from_memory(tensors[key], value))
        else:
            missing.append(key)
    return missing
