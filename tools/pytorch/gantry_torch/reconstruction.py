# SPDX-License-Identifier: Apache-2.0
"""Witnesses of the objectives that reconstruct samples or match features, from the papers.

EBGAN: Zhao, Mathieu, LeCun 2017. BEGAN: Berthelot, Schumm, Metz 2017. Feature matching and
semi-supervised learning: Salimans et al. 2016. VAE: Kingma, Welling 2014.
"""

import math

import torch
from torch.nn import functional as F

from . import network, spectral
from .heads import Heads
from .network import to_memory
from .optimizers import Optimizer
from .step import Witness, made_from, masks_of

EBGAN = {"margin": 10, "mean": False, "pt_weight": 0.1}
BEGAN = {"gamma": 0.5, "lambda": 0.001, "k": 0}
LIKELIHOOD = {"likelihood": "gaussian", "variance": 1, "beta": 1}


def pulling_away(code):
    """Equation 4: mean over pairs i != j of the squared cosine."""
    unit = F.normalize(code.flatten(1), dim=1)
    cosines = unit @ unit.T
    n = len(code)
    return (cosines.square().sum() - cosines.diagonal().square().sum()) / (n * (n - 1))


class CriticWitness(Witness):
    """EBGAN, BEGAN and feature matching: what differs from the usual game."""

    def __init__(self, config):
        super().__init__(config)
        self.kind = config["objective"]["type"]
        self.ebgan = {**EBGAN, **config["objective"].get("ebgan", {})}
        self.began = {**BEGAN, **config["objective"].get("began", {})}
        self.distance = config["objective"].get("feature_matching", {}).get("distance", "squared")
        self.k = self.began["k"]
        self.energy_real = None

    def load(self, tensors):
        if "objective.k" in tensors:
            self.k = float(tensors["objective.k"])
        if "objective.loss_real" in tensors:
            self.energy_real = float(tensors["objective.loss_real"])
        return super().load(tensors)

    def outputs(self, x, masks):
        outputs = self.nets["d"](x, masks=masks)
        return outputs if isinstance(outputs, tuple) else (outputs,)

    def energies(self, x, y):
        """One per sample."""
        if self.kind == "began":
            residual = y - x
            sign = torch.where(self.kinks.positive(self, residual), 1.0, -1.0)
            return (sign * residual).flatten(1).mean(1)
        squares = (y - x).square().flatten(1)
        return squares.mean(1) if self.ebgan["mean"] else squares.sum(1)

    def judge(self, inputs):
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
        masks, first = masks_of(inputs, "d"), 0
        samples = sum(len(x) for x in shown.values())
        scores = {}
        for side, x in shown.items():
            part = {layer: mask[first : first + len(x)] for layer, mask in masks.items()}
            first += len(x)
            answer = scores[side] = self.outputs(x, part)[0]
            pieces[f"score_{side}"] = answer
            share = len(x) / samples if self.objective.mean else 1
            loss = self.loss_of_d(side, x, answer, inputs)
            pieces[f"loss_{side}"] = share * loss
        if self.kind == "feature_matching":
            pieces.update(self.further_terms(shown, scores, inputs))
        return pieces

    def loss_of_d(self, side, x, answer, inputs):
        if self.kind == "feature_matching":
            return self.objective.score(answer, inputs[f"target_{side}"])
        energy = self.energies(x, answer)
        if self.kind == "ebgan":
            return energy.mean() if side == "real" else F.relu(self.ebgan["margin"] - energy).mean()
        if side == "real":
            self.energy_real = float(energy.mean())
            return energy.mean()
        return -self.k * energy.mean()

    def generate(self, inputs, drawn):
        if "latent" in inputs:
            spectral.power_iterate(self.nets["g"])
            fake = self.make(inputs)
        else:
            self.nets["g"].track(False)
            fake = self.make(drawn)
            self.nets["g"].track(True)
        spectral.power_iterate(self.nets["d"])
        shown, masks = self.techniques.show(fake, "fake", inputs), masks_of(inputs, "d")
        pieces = {"fake": fake}
        if self.kind == "feature_matching":
            return {**pieces, **self.match(shown, inputs, masks)}
        outputs = self.outputs(shown, masks)
        energy = self.energies(shown, outputs[0]).mean()
        pieces.update({"score_fake": outputs[0], "loss": energy})
        if self.kind == "ebgan" and self.ebgan["pt_weight"] > 0:
            pieces["loss_pulling_away"] = self.ebgan["pt_weight"] * pulling_away(outputs[1])
        if self.kind == "began":
            self.move_k(float(energy))
        return pieces

    def match(self, shown, inputs, masks):
        """Masks hold those of D's pass on the fakes, then on the real batch."""
        first = {layer: mask[: len(shown)] for layer, mask in masks.items()}
        second = {layer: mask[len(shown) :] for layer, mask in masks.items()}
        score, features = self.outputs(shown, first)
        with torch.no_grad():
            _, wanted = self.outputs(self.techniques.show(inputs["real"], "real", inputs), second)
        gap = features.flatten(1).mean(0) - wanted.flatten(1).mean(0)
        loss = gap.square().sum() if self.distance == "squared" else gap.abs().mean()
        return {"score_fake": score, "loss": loss}

    def move_k(self, loss):
        balance = self.began["gamma"] * self.energy_real - loss
        self.next_k = min(max(self.k + self.began["lambda"] * balance, 0), 1)

    def apply(self, name, given):
        found = super().apply(name, given)
        if self.kind == "began":
            if name[0] == "g":
                self.k = self.next_k
            found[f"{name}.after.objective.k"] = torch.tensor(self.k, dtype=torch.float64)
            if self.energy_real is not None:
                real = torch.tensor(self.energy_real, dtype=torch.float64)
                found[f"{name}.after.objective.loss_real"] = real
        return found


class SemiSupervisedWitness(CriticWitness):
    """Section 5: K + 1 classes, the last of which, "generated", has the logit 0."""

    def __init__(self, config):
        super().__init__(config)
        self.kind = "feature_matching"  # what G does
        given = config["objective"].get("semi_supervised", {})
        self.supervised = given.get("supervised", 1)
        self.unsupervised = given.get("unsupervised", 0.5)

    def judge(self, inputs):
        pieces = super().judge(inputs)
        if "labelled" not in inputs:  # of alternating updates, the one on generated samples
            return pieces
        d = self.nets["d"]
        spectral.power_iterate(d, 0)
        d.track(False)
        x = self.techniques.show(inputs["labelled"], "labelled", inputs)
        logits = self.outputs(x, masks_of(inputs, "d", "labelled."))[0]
        d.track(True)
        term = Heads.named(logits, inputs["labelled_labels"])
        pieces["loss_labelled"] = self.supervised * term
        return pieces

    def loss_of_d(self, side, x, answer, inputs):
        logits = answer.flatten(1)
        of_all = torch.cat([logits, torch.zeros_like(logits[:, :1])], dim=1).log_softmax(dim=1)
        if side == "fake":
            return -self.unsupervised * of_all[:, -1].mean()
        return -self.unsupervised * torch.logsumexp(of_all[:, :-1], dim=1).mean()


class AutoencoderWitness(Witness):
    """Update e1 is given the batch and trains both networks; g1 shows G's part of it."""

    def __init__(self, config):
        g = network.build_generator(config)
        image = g.shapes[g.output_names[0]]
        e = network.Network(config["encoder"], {"x": image})
        self.prepare(config, {"g": g.double().train(), "e": e.double().train()})
        optimizer = config["optimizer"]
        self.optimizers = {
            "g": Optimizer(optimizer["g"], config["train"].get("ema")),
            "e": Optimizer(optimizer["e"]),
        }
        objective = config["objective"]
        self.variational = objective["type"] == "vae"
        self.likelihood = {**LIKELIHOOD, **objective}
        self.gradients = {}

    def update(self, name, given):
        if name[0] == "g":
            return {f"{name}.grad.g.{key}": value for key, value in self.gradients.items()}
        self.kinks.start()
        for module in self.nets.values():
            module.zero_grad()
        micros = sorted({key.split(".")[1] for key in given if key.startswith(f"{name}.m")})
        found, losses = {}, {}
        for micro in micros:
            pieces = self.reconstruct(self.inputs(given, f"{name}.{micro}."))
            for key, value in pieces.items():
                if key.startswith("loss"):
                    losses.setdefault(key, []).append(value)
                else:
                    found[f"{name}.{micro}.{key}"] = to_memory(value.detach())
            (pieces["loss_total"] / len(micros)).backward()
        for key, values in losses.items():
            found[f"{name}.{key}"] = torch.stack(values).mean().detach()
        for key, value in self.nets["e"].tensors().items():
            found[f"{name}.grad.e.{key}"] = self.gradient("e", key, value)
        g = self.nets["g"].tensors()
        self.gradients = {key: self.gradient("g", key, value) for key, value in g.items()}
        return found

    def gradient(self, net, key, value):
        return to_memory(value.grad + self.optimizers[net].pull(key, value))

    def reconstruct(self, inputs):
        x = inputs["real"]
        spectral.power_iterate(self.nets["e"])
        spectral.power_iterate(self.nets["g"])
        code = self.nets["e"](x, masks=masks_of(inputs, "e"))
        z, kl = code, torch.zeros((), dtype=torch.float64)
        if self.variational:
            mean, variance = code.chunk(2, dim=1)
            # The noise that was drawn, from what it made of the code.
            eps = ((inputs["latent"] - mean) / torch.exp(variance / 2)).detach()
            z = mean + torch.exp(variance / 2) * eps
            kl = 0.5 * (mean.square() + variance.exp() - 1 - variance).flatten(1).sum(1).mean()
        outputs = self.nets["g"](z, masks=masks_of(inputs, "g"))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        loss = self.negative_log_likelihood(outputs, x)
        weight = self.likelihood["beta"] if self.variational else 0
        found = {"latent": z, "fake": outputs[0], "loss_reconstruction": loss}
        found["loss_total"] = loss + weight * kl
        return found

    def negative_log_likelihood(self, outputs, x):
        if self.likelihood["likelihood"] == "bernoulli":
            return F.binary_cross_entropy_with_logits(outputs[1], x, reduction="sum") / len(x)
        deviation = math.sqrt(self.likelihood["variance"])
        normal = torch.distributions.Normal(outputs[0], torch.full_like(x, deviation))
        return -normal.log_prob(x).flatten(1).sum(1).mean()


def make_witness(config):
    kind = config.get("objective", {}).get("type", "gan")
    if kind in ("ebgan", "began", "feature_matching"):
        return CriticWitness(config)
    if kind == "semi_supervised":
        return SemiSupervisedWitness(config)
    if kind in ("autoencoder", "vae"):
        return AutoencoderWitness(config)
    return Witness(config)
