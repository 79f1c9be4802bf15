# SPDX-License-Identifier: Apache-2.0
"""The losses of games about one score, their targets, and penalties on D's slope."""

import torch
from torch.nn import functional as F


def slope_penalty(d, x, kind, config, masks):
    """On the gradient of D's answer to x by x itself; the answer is the mean over patches.

    d(x, masks=masks) gives the score alone, of the labels that D is told beside x.
    """
    x = x.detach().requires_grad_(True)
    answer = d(x, masks=masks)
    (g,) = torch.autograd.grad(answer.mean((1, 2, 3)).sum(), x, create_graph=True)
    squares = g.flatten(1).square().sum(1)
    if kind in ("r1", "r2"):  # Mescheder et al. 2018, eq. 9
        return config / 2 * squares.mean()
    excess = (squares + 1e-10).sqrt() - config.get("target", 1)
    if config.get("one_sided"):
        excess = excess.clamp(min=0)
    return config["weight"] * excess.square().mean()  # Gulrajani et al. 2017, eq. 3


class Objective:
    """config: the resolved "objective" section. Losses are means over samples and patches."""

    def __init__(self, config):
        labels = config.get("labels", {})
        self.real, self.fake = labels.get("real", 1), labels.get("fake", 0)
        wanted = labels.get("generator")
        self.generated = self.real if wanted is None else wanted
        self.labels = labels
        self.saturating = config.get("generator_loss") == "saturating"
        self.loss = config.get("loss", "bce")
        self.weight = config.get("loss_weight", 1)
        self.penalties = config.get("penalties", {})
        self.real_fake = config.get("real_fake", "separate")
        self.mean = config.get("combine") == "mean"

    def score(self, logits, target):
        """target: N x 1 x 1 x 1, or a number."""
        if torch.is_tensor(target):
            target = target.to(logits.dtype).expand_as(logits)
        else:
            target = torch.full_like(logits, target)
        if self.loss == "least_squares":  # Mao et al. 2017, eq. 2, with weight 1/2
            return self.weight * F.mse_loss(logits, target)
        return self.weight * F.binary_cross_entropy_with_logits(logits, target)

    def critic(self, side, score):
        """What D's answer to one side costs it, without labels."""
        sign = 1 if side == "fake" else -1
        if self.loss == "hinge":  # Lim and Ye 2017
            return self.weight * F.relu(1 + sign * score).mean()
        return self.weight * sign * score.mean()  # Arjovsky et al. 2017, eq. 2

    def shares(self, scores):
        """The factor of each side's losses."""
        samples = sum(len(score) for score in scores.values())
        return {side: len(score) / samples if self.mean else 1 for side, score in scores.items()}

    def discriminator(self, scores, targets):
        """{side: loss} whose sum D minimises; the sides are "real", "fake" or one of them."""
        shares, losses = self.shares(scores), {}
        for side, score in scores.items():
            share = shares[side]
            if self.loss in ("hinge", "wasserstein"):
                losses[side] = share * self.critic(side, score)
            else:
                losses[side] = share * self.score(score, targets[side])
        return losses

    def generator(self, logits):
        if self.loss in ("hinge", "wasserstein"):
            return -self.weight * logits.mean()
        if self.saturating:
            return -self.score(logits, self.fake)
        return self.score(logits, self.generated)

    def penalty_points(self, shown, whole, draws):
        """{kind: x} for the penalties that are on.

        whole: the real batch without noise. draws: "gradient.share" and "dragan.offset" of
        docs/trace-format.md, made here where they are not given.
        """
        real, fake, points = shown["real"], shown["fake"], {}
        if self.penalties.get("gradient", {}).get("weight"):
            a = draws.get("gradient.share")
            if a is None:
                a = torch.rand(len(real), 1, 1, 1)
            points["gradient"] = a * real + (1 - a) * fake
        if self.penalties.get("dragan", {}).get("weight"):
            offset = draws.get("dragan.offset")
            if offset is None:
                a = torch.rand(len(real), 1, 1, 1)
                offset = a * self.penalties["dragan"].get("spread", 0.5) * torch.rand_like(real)
            points["dragan"] = real + offset * whole.std(unbiased=False)
        points.update((kind, x) for kind, x in (("r1", real), ("r2", fake)) if self.penalties.get(kind))
        return points

    def penalty(self, d, kind, x, masks=None):
        every = self.penalties.get("every", 1)
        return every * slope_penalty(d, x, kind, self.penalties[kind], masks)

    def draw_fault(self, name, value):
        """Says what is wrong with the draws of a penalty; None if nothing."""
        rows = value.flatten(1)
        if name == "gradient.share":
            if not ((rows >= 0) & (rows < 1) & (rows == rows[:, :1])).all():
                return "not one number per sample in [0, 1)"
        elif not ((rows >= 0) & (rows < self.penalties["dragan"].get("spread", 0.5))).all():
            return "offsets outside [0, spread)"
        return None

    def target_base(self, side):
        """The side's target before noise: its label, smoothed towards the other's."""
        own, other = (self.real, self.fake) if side == "real" else (self.fake, self.real)
        return own + self.labels.get(f"smooth_{side}", 0) * (other - own)

    def target_fault(self, side, target):
        """Says what is wrong with the targets that D was given for one side; None if nothing."""
        bases = [self.target_base(side)]
        if self.labels.get(f"flip_{side}", 0) > 0:
            bases.append(self.target_base("fake" if side == "real" else "real"))
        if self.loss in ("hinge", "wasserstein"):  # the sign that the answer is multiplied by
            bases = [-1 if (side == "real") == (self.loss == "wasserstein") else 1]
        noise = self.labels.get(f"noise_{side}", 0)
        inside = torch.zeros_like(target, dtype=torch.bool)
        for base in bases:
            inside |= (target >= base - 1e-6) & (target <= base + noise + 1e-6)
        if not inside.all():
            return f"targets {side} outside {bases} + [0, {noise}): {target.flatten().tolist()}"
        return None
