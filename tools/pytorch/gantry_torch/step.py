# SPDX-License-Identifier: Apache-2.0
"""Recomputes the updates of a traced step in double precision. Format: docs/trace-format.md."""

import torch

from . import network, spectral
from .kinks import Kinks
from .heads import Heads
from .network import arguments, from_memory, to_memory
from .objective import Objective
from .optimizers import Optimizer
from .techniques import Techniques


class Witness:
    """Two networks of a config, what they should leave, and the optimizers' own states."""

    def __init__(self, config):
        nets = {key: net.double().train() for key, net in network.build_all(config).items()}
        self.prepare(config, nets)
        self.objective = Objective(config.get("objective", {}))
        self.heads = Heads(config)
        self.techniques = Techniques(config.get("objective", {}), config["train"]["batch"])
        optimizer = config["optimizer"]
        ema = {"g": config["train"].get("ema")}
        self.optimizers = {net: Optimizer(optimizer[net], ema.get(net)) for net in self.nets}

    def prepare(self, config, nets):
        self.config = config
        self.nets = nets
        self.kinks = Kinks(nets.values())
        self.step = 0  # steps done before the one that is replayed
        self.whole = None  # the real batch of an update of D, all micro-batches
        self.drawn = {}  # per micro-batch: what the fakes of the last D update were made from

    def load(self, tensors):
        if hasattr(self, "techniques"):
            self.techniques.load(tensors)
        missing = []
        for net, module in self.nets.items():
            missing += network.load(module, net, tensors)
        return missing

    def start(self):
        if "g" in self.nets:
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
        all_inputs = {micro: self.inputs(given, f"{name}.{micro}.") for micro in micros}
        if net == "d":
            real = [inputs["real"] for inputs in all_inputs.values() if "real" in inputs]
            self.whole = torch.cat(real) if real else None
        for micro, inputs in all_inputs.items():
            if net == "c":
                pieces = self.classify(inputs)
            elif net == "d":
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
            grad = grad + self.optimizers[net].pull(key, value)
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
        given = arguments(self.nets["g"], inputs["latent"], inputs.get("fake_labels"))
        return self.nets["g"](*given, masks=masks_of(inputs, "g"))

    def classify(self, inputs):
        spectral.power_iterate(self.nets["c"])
        logits = self.nets["c"](inputs["real"], masks=masks_of(inputs, "c"))
        return {"score_real": logits, "loss_real": Heads.named(logits, inputs["labels"])}

    def judge(self, inputs):
        """D's update. With alternating batches a micro-batch has one side only."""
        shown, pieces = {}, {}
        if "real" in inputs:
            shown["real"] = self.techniques.show(inputs["real"], "real", inputs)
        if "latent" in inputs:
            with torch.no_grad():
                spectral.power_iterate(self.nets["g"])
                fake = self.make(inputs)
            pieces["fake"] = fake
            shown["fake"] = self.techniques.show(fake, "fake", inputs)
        spectral.power_iterate(self.nets["d"])
        outputs = self.answers(shown, labels_of(inputs), masks_of(inputs, "d"))
        scores = {side: output[0] for side, output in outputs.items()}
        targets = {side: inputs[f"target_{side}"] for side in shown}
        for side, loss in self.objective.discriminator(scores, targets).items():
            pieces.update(self.named_outputs(f"score_{side}", outputs[side]))
            pieces[f"loss_{side}"] = loss
        pieces.update(self.heads.discriminator(outputs, labels_of(inputs), inputs.get("latent")))
        pieces.update(self.further_terms(shown, scores, inputs))
        pieces.update(self.judge_slopes(shown, inputs))
        return pieces

    def further_terms(self, shown, scores, inputs):
        """LeCam and consistency; moves what ADA and LeCam keep."""
        weights = self.objective.shares(scores)
        pieces = self.techniques.discriminator(scores, self.step, weights)
        if not self.techniques.consistency or "real" not in shown:
            return pieces
        d = self.nets["d"]
        spectral.power_iterate(d, 0)
        d.track(False)
        x = self.techniques.show_again(shown["real"], inputs)
        given = arguments(d, x, inputs.get("labels"))
        again = all_of(d(*given, masks=masks_of(inputs, "d", "consistency.")))[0]
        d.track(True)
        term = (scores["real"] - again).square().mean()  # Zhang et al. 2020
        pieces["loss_consistency"] = weights["real"] * self.techniques.consistency * term
        return pieces

    def judge_slopes(self, shown, inputs):
        """The penalties, in the steps that have them."""
        alternating = len(shown) < 2  # and such updates have none
        if alternating or self.step % self.objective.penalties.get("every", 1):
            return {}
        points = self.objective.penalty_points(shown, self.whole, inputs)
        spectral.power_iterate(self.nets["d"], 0)  # u stays; v follows it, as in inference

        def score(x, masks):
            given = arguments(self.nets["d"], x, inputs.get("labels"))
            return all_of(self.nets["d"](*given, masks=masks))[0]

        return {
            f"loss_{kind}": self.objective.penalty(
                score, kind, x, masks_of(inputs, "d", f"{kind}.")
            )
            for kind, x in points.items()
        }

    def named_outputs(self, name, outputs):
        """D's outputs as the trace calls them: the score, and others by their layer."""
        names = [name] + [f"{name}.{layer}" for layer in self.nets["d"].output_names[1:]]
        return dict(zip(names, outputs))

    def answers(self, shown, labels, masks):
        """D's outputs for each side: as one batch where the statistics are shared, else apart."""
        d, sizes = self.nets["d"], [len(x) for x in shown.values()]
        if self.objective.real_fake == "mixed":
            known = [labels[side] for side in shown if labels[side] is not None]
            given = arguments(d, torch.cat(list(shown.values())), torch.cat(known) if known else None)
            parts = [output.split(sizes) for output in all_of(d(*given, masks=masks))]
            return {side: [part[i] for part in parts] for i, side in enumerate(shown)}
        outputs, first = {}, 0
        for (side, x), size in zip(shown.items(), sizes):
            part = {layer: mask[first : first + size] for layer, mask in masks.items()}
            outputs[side] = all_of(d(*arguments(d, x, labels[side]), masks=part))
            first += size
        return outputs

    def generate(self, inputs, drawn):
        if "latent" in inputs:
            spectral.power_iterate(self.nets["g"])
            fake = self.make(inputs)
        else:  # the fakes that D has seen; their pass has moved G's running statistics already
            self.nets["g"].track(False)
            fake = self.make(drawn)
            self.nets["g"].track(True)
        drawn = inputs if "latent" in inputs else drawn
        d, shown = self.nets["d"], self.techniques.show(fake, "fake", inputs)
        spectral.power_iterate(d)
        given = arguments(d, shown, drawn.get("fake_labels"))
        outputs = all_of(d(*given, masks=masks_of(inputs, "d")))
        pieces = {"fake": fake, **self.named_outputs("score_fake", outputs)}
        pieces["loss"] = self.objective.generator(self.techniques.chosen(outputs[0], self.step))
        pieces.update(self.heads.generator(outputs, drawn.get("fake_labels"), drawn["latent"]))
        return pieces

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
        if hasattr(self, "techniques"):
            for key, value in self.techniques.after().items():
                found[f"{name}.after.{key}"] = value
        return found


def all_of(outputs):
    return outputs if isinstance(outputs, tuple) else (outputs,)


def labels_of(inputs):
    return {"real": inputs.get("labels"), "fake": inputs.get("fake_labels")}


def made_from(inputs):
    return ["latent", "fake_labels"] + [key for key in inputs if key.startswith("mask.g.")]


def masks_of(inputs, net, of=""):
    prefix = f"{of}mask.{net}."
    return {key[len(prefix) :]: mask for key, mask in inputs.items() if key.startswith(prefix)}
