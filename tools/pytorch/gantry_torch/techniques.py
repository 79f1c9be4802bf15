# SPDX-License-Identifier: Apache-2.0
"""Techniques beside the losses: LeCam, top-k, augmentation, ADA, consistency; from the papers."""

import torch
from torch.nn import functional as F

from .network import pack

PUBLISHED = {
    "brightness": 1,
    "saturation": 1,
    "contrast": 0.5,
    "translation": 0.125,
    "cutout": 0.5,
}


def side(share, size):
    """Pixels of a share of an axis, as the authors' code rounds them."""
    return int(size * share + 0.5)


def augment(x, rows, cutout):
    """Zhao et al. 2020, step by step. x: N x C x H x W; rows: N x 8 x 1 x 1, the drawn numbers."""
    b, s, k, down, right, top, left, cut = rows.flatten(1).T
    each = lambda number: number.view(-1, 1, 1, 1)
    x = x + each(b)
    mean = x.mean(1, keepdim=True)
    x = (x - mean) * each(s) + mean
    mean = x.mean((1, 2, 3), keepdim=True)
    x = (x - mean) * each(k) + mean
    height, width = x.shape[2:]
    padded = F.pad(x, (width, width, height, height))
    moved = [
        padded[n, :, height - int(down[n]) :, width - int(right[n]) :][:, :height, :width]
        for n in range(len(x))
    ]
    mask = torch.ones(len(x), 1, height, width, dtype=x.dtype)
    for n in range(len(x)):
        if cut[n] > 0:
            first, last = int(top[n]), int(top[n]) + side(cutout, height)
            begin, end = int(left[n]), int(left[n]) + side(cutout, width)
            mask[n, :, max(first, 0) : max(last, 0), max(begin, 0) : max(end, 0)] = 0
    return torch.stack(moved) * mask


def rows_fault(rows, sizes, shape, every):
    """Says what is wrong with drawn numbers; None if nothing. every: each sample is augmented."""
    b, s, k, down, right, top, left, cut = rows.flatten(1).T
    height, width = shape
    cuts = [side(sizes["cutout"], length) for length in (height, width)]
    limits = {
        "brightness": (b, sizes["brightness"] / 2),
        "saturation": (s - 1, sizes["saturation"]),
        "contrast": (k - 1, sizes["contrast"]),
        "translation down": (down, side(sizes["translation"], height)),
        "translation right": (right, side(sizes["translation"], width)),
        "cutout top": (top - (height - cuts[0]) / 2 * cut, height / 2 + 1),
        "cutout left": (left - (width - cuts[1]) / 2 * cut, width / 2 + 1),
    }
    for name, (values, limit) in limits.items():
        if not (values.abs() <= limit + 1e-6).all():
            return f"{name} beyond {limit}: {values.tolist()}"
    wanted = 1.0 if min(cuts) > 0 else 0.0
    if every and not (cut == wanted).all():
        return f"cut is {cut.tolist()}, wanted {wanted}"
    return None


class Techniques:
    """config: the resolved "objective" section; batch: the real samples of an update of D."""

    def __init__(self, objective, batch):
        self.lecam = {"weight": 0, "decay": 0.99, "start": 1000, **objective.get("lecam", {})}
        self.top_k = {"nu": 1, "gamma": 0.99, "every": 1000, **objective.get("top_k", {})}
        augmentation = objective.get("augmentation", {})
        self.kind = augmentation.get("type", "none")
        self.sizes = {**dict.fromkeys(PUBLISHED, 0)}
        if self.kind != "none":
            self.sizes = {**PUBLISHED, **augmentation}
        self.ada = {"target": 0.6, "every": 4, "span": 500000, "probability": 0, **augmentation}
        self.packing = objective.get("packing", 1)
        self.interval = self.ada["every"] * batch  # samples
        consistency = objective.get("consistency", {})
        self.consistency = consistency.get("weight", 0)
        self.again_sizes = {**dict.fromkeys(PUBLISHED, 0), "translation": 0.125, **consistency}
        self.state = {}

    def load(self, tensors):
        self.state = {
            key: value.double().flatten().clone()
            for key, value in tensors.items()
            if key.startswith(("objective.lecam.", "objective.augmentation."))
        }

    def after(self):
        """What should be kept after an update."""
        return dict(self.state)

    def show(self, x, which, inputs):
        """x as D sees it: augmented, then with noise, then packed."""
        rows = inputs.get(f"augmentation_{which}")
        if rows is not None:
            x = augment(x, rows, self.sizes["cutout"])
        return pack(x + inputs.get(f"noise_{which}", 0), self.packing)

    def show_again(self, x, inputs):
        return augment(x, inputs["consistency.augmentation"], self.again_sizes["cutout"])

    def fault(self, key, rows, shape):
        """Of a tap that ends in augmentation, augmentation_real or augmentation_fake."""
        if key.endswith("consistency.augmentation"):
            return rows_fault(rows, self.again_sizes, shape, True)
        return rows_fault(rows, self.sizes, shape, self.kind == "diffaugment")

    def discriminator(self, scores, step, weight):
        """Further terms of D's loss. weight: of a side's loss, by its name. Moves the state."""
        pieces = {}
        if self.kind == "ada" and "real" in scores:
            self.adapt(scores["real"].detach())
        if self.lecam["weight"] == 0:
            return pieces
        anchors = {
            "real": self.state["objective.lecam.fake"],
            "fake": self.state["objective.lecam.real"],
        }
        for which, score in scores.items():
            off = score - anchors[which] if which == "real" else anchors[which] - score
            term = self.lecam["weight"] * F.relu(off).square().mean()
            on = step >= self.lecam["start"]
            pieces[f"loss_lecam_{which}"] = weight[which] * term * on
        if "real" in scores:
            self.state["objective.lecam.batch"] = scores["real"].detach().mean().view(1)
        if "fake" in scores:
            self.move("real", self.state["objective.lecam.batch"], step)
            self.move("fake", scores["fake"].detach().mean().view(1), step)
        return pieces

    def move(self, which, mean, step):
        decay = 0 if step < self.lecam["start"] else self.lecam["decay"]
        key = f"objective.lecam.{which}"
        self.state[key] = decay * self.state[key] + (1 - decay) * mean

    def adapt(self, score):
        """Karras et al. 2020, section 3.1, their code: every few batches, by the sign of rt less
        the target."""
        tally = self.state["objective.augmentation.tally"]
        tally = tally + torch.tensor(
            [float(score.sign().flatten(1).mean(1).sum()), len(score)], dtype=torch.float64
        )
        samples = tally[1] * self.packing
        if samples >= self.interval:
            direction = torch.sign(tally[0] / tally[1] - self.ada["target"])
            p = self.state["objective.augmentation.p"] + direction * samples / self.ada["span"]
            self.state["objective.augmentation.p"] = p.clamp(min=0)
            tally = torch.zeros(2, dtype=torch.float64)
        self.state["objective.augmentation.tally"] = tally

    def chosen(self, scores, step):
        """The samples that G learns from: Sinha et al. 2020, algorithm 1."""
        n = len(scores)
        share = self.top_k["gamma"] ** (step // self.top_k["every"])
        k = max(1, int(n * self.top_k["nu"] + 0.5), int(n * share + 0.5))
        order = scores.detach().flatten(1).mean(1).sort(descending=True, stable=True).indices
        return scores[order[:k]]
