# SPDX-License-Identifier: Apache-2.0
"""The losses of the original game, on logits (Goodfellow et al. 2014), and their targets."""

import torch
from torch.nn import functional as F


class Objective:
    """config: the "objective" section. Losses are means over samples and patches."""

    def __init__(self, config):
        labels = config.get("labels", {})
        self.real, self.fake = labels.get("real", 1), labels.get("fake", 0)
        wanted = labels.get("generator")
        self.generated = self.real if wanted is None else wanted
        self.labels = labels
        self.saturating = config.get("generator_loss") == "saturating"
        self.least_squares = config.get("loss") == "least_squares"
        self.real_fake = config.get("real_fake", "separate")
        self.mean = config.get("combine") == "mean"

    def score(self, logits, target):
        """target: N x 1 x 1 x 1, or a number."""
        target = torch.as_tensor(target, dtype=logits.dtype).expand_as(logits)
        if self.least_squares:
            return F.mse_loss(logits, target)
        return F.binary_cross_entropy_with_logits(logits, target)

    def discriminator(self, scores, targets):
        """{side: loss} whose sum D minimises; the sides are "real", "fake" or one of them."""
        samples = sum(len(score) for score in scores.values())
        losses = {}
        for side, score in scores.items():
            share = len(score) / samples if self.mean else 1
            losses[side] = share * self.score(score, targets[side])
        return losses

    def generator(self, logits):
        if self.saturating:
            return -self.score(logits, self.fake)
        return self.score(logits, self.generated)

    def target_base(self, side):
        """The side's target before noise: its label, smoothed towards the other's."""
        own, other = (self.real, self.fake) if side == "real" else (self.fake, self.real)
        return own + self.labels.get(f"smooth_{side}", 0) * (other - own)

    def target_fault(self, side, target):
        """Says what is wrong with the targets that D was given for one side; None if nothing."""
        bases = [self.target_base(side)]
        if self.labels.get(f"flip_{side}", 0) > 0:
            bases.append(self.target_base("fake" if side == "real" else "real"))
        noise = self.labels.get(f"noise_{side}", 0)
        inside = torch.zeros_like(target, dtype=torch.bool)
        for base in bases:
            inside |= (target >= base - 1e-6) & (target <= base + noise + 1e-6)
        if not inside.all():
            return f"targets {side} outside {bases} + [0, {noise}): {target.flatten().tolist()}"
        return None
