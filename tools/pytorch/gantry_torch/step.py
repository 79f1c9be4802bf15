# SPDX-License-Identifier: Apache-2.0
"""Recomputes the updates of a traced step in double precision. Format: docs/trace-format.md."""

import torch

from . import network, spectral
from .kinks import Kinks
from .network import from_memory, to_memory
from .objective import Objective
from .optimizers import Optimizer


class Witness:
    """Two networks of a config, what they should leave, and the optimizers' own states."""

    def __init__(self, config):
        self.config = config
        networks = [net.double().train() for net in network.build(config)]
        self.nets = dict(zip("gd", networks))
        self.kinks = Kinks(networks)
        self.drawn = {}  # per micro-batch: what the fakes of the last D update were made from
        self.objective = Objective(config["objective"])
        optimizer = config["optimizer"]
        self.optimizers = {
            "g": Optimizer(optimizer["g"], config["train"].get("ema")),
            "d": Optimizer(optimizer["d"]),
        }

    def load(self, tensors):
        missing = []
        for net, module in self.nets.items():
            missing += network.load(module, net, tensors)
        return missing

    def start(self):
        self.optimizers["g"].start_ema(self.nets["g"].tensors())

    def update(self, name, given):
        """Runs update `name` ("d1") on the inputs of the step's file.

        Leaves gradients on the parameters, moves running statistics, and returns the outputs by
        their names in the format.
        """
        net = name[0]
        self.kinks.start()
        for module in self.nets.values():
            module.zero_grad()
        micros = sorted({key.split(".")[1] for key in given if key.startswith(f"{name}.m")})
        found, losses = {}, {}
        for micro in micros:
            inputs = self.inputs(given, f"{name}.{micro}.")
            if net == "d":
                self.drawn[micro] = {k: v for k, v in inputs.items() if k in made_from(inputs)}
                pieces = self.judge(inputs)
            else:
                pieces = self.generate(inputs, self.drawn.get(micro))
            for key, value in pieces.items():
                if key.startswith("loss"):
                    losses.setdefault(key, []).append(value)
                else:
                    found[f"{name}.{micro}.{key}"] = to_memory(value.detach())
            total = sum(value for key, value in pieces.items() if key.startswith("loss"))
            (total / len(micros)).backward()
        for key, values in losses.items():
            found[f"{name}.{key}"] = torch.stack(values).mean().detach()
        for key, value in self.nets[net].tensors().items():
            grad = torch.zeros_like(value) if value.grad is None else value.grad
            found[f"{name}.grad.{net}.{key}"] = to_memory(grad)
        return found

    @staticmethod
    def inputs(given, prefix):
        inputs = {}
        for key, value in given.items():
            if key.startswith(prefix):
                inputs[key[len(prefix) :]] = value.double().permute(0, 3, 1, 2)
        return inputs

    def make(self, inputs):
        return self.nets["g"](inputs["latent"], masks=masks_of(inputs, "g"))

    def judge(self, inputs):
        """D's update. With alternating batches a micro-batch has one side only."""
        shown, pieces = {}, {}
        if "real" in inputs:
            shown["real"] = inputs["real"] + inputs.get("noise_real", 0)
        if "latent" in inputs:
            with torch.no_grad():
                spectral.power_iterate(self.nets["g"])
                fake = self.make(inputs)
            pieces["fake"] = fake
            shown["fake"] = fake + inputs.get("noise_fake", 0)
        spectral.power_iterate(self.nets["d"])
        scores = self.scores(shown, masks_of(inputs, "d"))
        targets = {side: inputs[f"target_{side}"] for side in shown}
        for side, loss in self.objective.discriminator(scores, targets).items():
            pieces[f"score_{side}"] = scores[side]
            pieces[f"loss_{side}"] = loss
        return pieces

    def scores(self, shown, masks):
        """D on each side: as one batch where the statistics are shared, else apart."""
        d, sizes = self.nets["d"], [len(x) for x in shown.values()]
        if self.objective.real_fake == "mixed":
            parts = d(torch.cat(list(shown.values())), masks=masks).split(sizes)
            return dict(zip(shown, parts))
        scores, first = {}, 0
        for (side, x), size in zip(shown.items(), sizes):
            part = {layer: mask[first : first + size] for layer, mask in masks.items()}
            scores[side] = d(x, masks=part)
            first += size
        return scores

    def generate(self, inputs, drawn):
        if "latent" in inputs:
            spectral.power_iterate(self.nets["g"])
            fake = self.make(inputs)
        else:  # the fakes that D has seen; their pass has moved G's running statistics already
            self.nets["g"].track(False)
            fake = self.make(drawn)
            self.nets["g"].track(True)
        spectral.power_iterate(self.nets["d"])
        score = self.nets["d"](fake + inputs.get("noise_fake", 0), masks=masks_of(inputs, "d"))
        return {"fake": fake, "score_fake": score, "loss": self.objective.generator(score)}

    def apply(self, name, given):
        """The optimizer's part, from the trace's own gradients: what should be there after it."""
        net, prefix = name[0], f"{name}.grad.{name[0]}."
        params = self.nets[net].tensors()
        grads = {
            key: from_memory(given[prefix + key].double(), value) for key, value in params.items()
        }
        optimizer = self.optimizers[net]
        found = {f"{name}.lr": torch.tensor(optimizer.next_lr(), dtype=torch.float64)}
        with torch.no_grad():
            optimizer.step(params, grads)
        for key, value in params.items():
            found[f"{name}.after.{net}.{key}"] = to_memory(value.detach())
        for key, value in optimizer.averages.items():
            if net == "g" and optimizer.ema:
                found[f"{name}.after.ema.{key}"] = to_memory(value)
        for other, module in self.nets.items():
            for key, value in module.tensors(buffers=True).items():
                found[f"{name}.after.{other}.{key}"] = value
        return found


def made_from(inputs):
    return ["latent"] + [key for key in inputs if key.startswith("mask.g.")]


def masks_of(inputs, net):
    prefix = f"mask.{net}."
    return {key[len(prefix) :]: mask for key, mask in inputs.items() if key.startswith(prefix)}
