#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests the witness without Gantry: traces made here in float32 with PyTorch's own optimizers.

For every config a small trace must replay; with one value of one tensor changed it must not.
"""

import glob
import json
import os
import sys
import tempfile

import torch

import replay
from gantry_torch import network, safetensors
from gantry_torch.objective import Objective

# Steps that the Maker below does not know, as those of packs.
RECONSTRUCTING = ("ebgan", "began", "feature_matching", "autoencoder", "vae")
BATCH = 3  # not a power of two
STEPS = 2


def memory(tensors):
    return {key: dims(network.to_memory(value.detach())) for key, value in tensors.items()}


def dims(value):
    value = value.float()
    if value.dim() == 4:
        return value.contiguous()
    if value.dim() == 2:
        return value.reshape(value.shape[0], 1, 1, value.shape[1])
    return value.reshape(1, 1, 1, -1)


def stock_optimizer(config, params):
    """PyTorch's own, where it has the rule; None for Keras's placings of epsilon."""
    if config.get("variant") == "keras":
        return None
    if config["type"] == "adam":
        return torch.optim.Adam(
            params, config["lr"], config.get("betas", (0.9, 0.999)), config.get("eps", 1e-8)
        )
    return torch.optim.RMSprop(
        params, config["lr"], config.get("rho", 0.99), config.get("eps", 1e-8)
    )


class Maker:
    """Writes the trace of a config whose optimizers PyTorch has."""

    def __init__(self, config):
        self.config = config
        self.g, self.d = (net.train() for net in network.build(config))
        for net in (self.g, self.d):
            for name, p in net.tensors().items():
                fan_in = p[0].numel() if p.dim() > 1 else 400
                mean = 1.0 if name.endswith("scale") else 0.0
                torch.nn.init.normal_(p, mean, fan_in**-0.5)
        self.optimizers = {
            "g": stock_optimizer(config["optimizer"]["g"], self.g.parameters()),
            "d": stock_optimizer(config["optimizer"]["d"], self.d.parameters()),
        }
        self.objective = Objective(config["objective"])

    def named(self):
        found = {}
        for net, module in (("g", self.g), ("d", self.d)):
            for buffers in (False, True):
                tensors = module.tensors(buffers=buffers)
                found.update({f"{net}.{key}": value for key, value in tensors.items()})
        return found

    def masks(self, net, module, n, out, prefix):
        masks = {}
        for name, layer in module.layers.items():
            if hasattr(layer, "rate"):
                keep = (torch.rand(n, *layer.shape) >= layer.rate).float() / (1 - layer.rate)
                masks[name] = keep
                out[f"{prefix}.mask.{net}.{name}"] = keep
        return masks

    def targets(self, side, n, out, prefix):
        noise = self.objective.labels.get(f"noise_{side}", 0)
        target = self.objective.target_base(side) + noise * torch.rand(n, 1, 1, 1)
        out[f"{prefix}.target_{side}"] = target
        return target

    def discriminator(self, sides, name):
        out, p = {}, f"{name}.m1"
        shown = []
        if "real" in sides:
            out[f"{p}.real"] = torch.rand(BATCH, *self.d.shapes["x"]) * 2 - 1
            shown.append(out[f"{p}.real"])
        if "fake" in sides:
            out[f"{p}.latent"] = torch.randn(BATCH, *self.g.shapes["z"])
            masks = self.masks("g", self.g, BATCH, out, p)
            shown.append(self.g(out[f"{p}.latent"], masks=masks).detach())
        self.d.zero_grad()
        masks = self.masks("d", self.d, BATCH * len(sides), out, p)
        if self.objective.real_fake == "mixed":
            scores = self.d(torch.cat(shown), masks=masks).split(BATCH)
        else:
            scores = [
                self.d(x, masks={k: m[BATCH * i : BATCH * i + BATCH] for k, m in masks.items()})
                for i, x in enumerate(shown)
            ]
        targets = {side: self.targets(side, BATCH, out, p) for side in sides}
        losses = self.objective.discriminator(dict(zip(sides, scores)), targets)
        out.update({f"{name}.loss_{side}": loss for side, loss in losses.items()})
        sum(losses.values()).backward()
        return self.finish("d", self.d, name, out)

    def generator(self, name):
        out, p = {}, f"{name}.m1"
        self.g.zero_grad()
        out[f"{p}.latent"] = torch.randn(BATCH, *self.g.shapes["z"])
        fake = self.g(out[f"{p}.latent"], masks=self.masks("g", self.g, BATCH, out, p))
        score = self.d(fake, masks=self.masks("d", self.d, BATCH, out, p))
        out[f"{name}.loss"] = self.objective.generator(score)
        out[f"{name}.loss"].backward()
        return self.finish("g", self.g, name, out)

    def finish(self, net, module, name, out):
        for key, value in module.tensors().items():
            out[f"{name}.grad.{net}.{key}"] = value.grad.clone()
        self.optimizers[net].step()
        out[f"{name}.lr"] = torch.tensor(self.config["optimizer"][net]["lr"])
        for key, value in self.named().items():
            if key.startswith(net) or key.endswith(replay.STATES):
                out[f"{name}.after.{key}"] = value.detach().clone()
        return out

    def step(self):
        alternating = self.objective.real_fake == "alternating"
        rounds = [["real"], ["fake"]] if alternating else [["real", "fake"]]
        out, names = {}, []
        for i, sides in enumerate(rounds):
            names.append(f"d{i + 1}")
            out.update(self.discriminator(sides, names[-1]))
        out.update(self.generator("g1"))
        return out, " ".join(names + ["g1"])


def make_trace(config, directory, steps=STEPS):
    for side in config["optimizer"].values():  # PyTorch has no Keras variant, no clipping by value
        for key in ("variant", "clip_value", "schedule"):
            side.pop(key, None)
        # A large first step drives D's answers to where 1 - sigmoid is all rounding in float32.
        side["lr"] = 1e-5
    maker = Maker(config)
    with open(os.path.join(directory, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
    safetensors.write(os.path.join(directory, "initial.safetensors"), memory(maker.named()))
    for number in range(1, steps + 1):
        tensors, names = maker.step()
        path = os.path.join(directory, f"step-{number:06}.safetensors")
        safetensors.write(path, memory(tensors), {"step": str(number), "updates": names})
    return path


def must_notice(directory, path, name):
    tensors, metadata = safetensors.read(path)
    flat = tensors[name].reshape(-1)
    flat[flat.abs().argmax()] *= 1.01
    safetensors.write(path, tensors, metadata)
    return not replay.replay(directory)


def main():
    configs = sys.argv[1:] or sorted(glob.glob(os.path.join(os.path.dirname(__file__), "../../configs/*.json")))
    failed = []
    for path in configs:
        torch.manual_seed(1)
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
        reconstructing = config["objective"].get("type", "gan") in RECONSTRUCTING
        if reconstructing or network.packing_of(config) > 1:
            continue
        with tempfile.TemporaryDirectory() as directory:
            last = make_trace(config, directory)
            good = replay.replay(directory)
            changed = next(k for k in safetensors.read(last)[0] if k.startswith("g1.grad"))
            if not good or not must_notice(directory, last, changed):
                failed.append(config["name"])
    print("failed:", failed or "none")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
