#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what PyTorch computes for the losses of critics, from the papers' formulas.

    golden_critics.py tests/golden/critics.safetensors

The form of the file is that of golden_ops.py.
"""

import sys

import torch

from golden_ops import draw, put, write


def energies(x, y, power, mean):
    """One per sample."""
    residual = (y - x).abs().pow(power).flatten(1)
    return residual.mean(1) if mean else residual.sum(1)


def reconstruction():
    """in y, x; per kind, mean, hinge: out value, energy, dy, dx, of the loss of EBGAN's D, which
    pushes what is inside the margin out, or of the energy itself."""
    y, x = draw(4, 3, 2, 2), draw(4, 3, 2, 2)
    put("reconstruction/in", y, x)
    y.requires_grad_()
    x.requires_grad_()
    for power in (2, 1):
        for mean in (False, True):
            energy = energies(x, y, power, mean)
            margin = 1.25 if mean else 14.0
            for value in (energy.mean(), torch.relu(margin - energy).mean()):
                dy, dx = torch.autograd.grad(value, (y, x), retain_graph=True)
                put("reconstruction/out", value, energy.mean(), dy, dx)


def pulling_away():
    """EBGAN, equation 4: mean over i != j of the squared cosine."""
    s = draw(5, 7)
    put("pulling_away/in", s)
    s.requires_grad_()
    total = 0
    for i in range(5):
        for j in range(5):
            if i != j:
                total = total + (s[i] @ s[j] / (s[i].norm() * s[j].norm())) ** 2
    value = total / (5 * 4)
    put("pulling_away/out", value, torch.autograd.grad(value, s)[0])


def feature_match():
    f, r = draw(4, 6), draw(3, 6)
    put("feature_match/in", f, r)
    f.requires_grad_()
    gap = f.mean(0) - r.mean(0)
    for value in (gap.square().sum(), gap.abs().mean()):
        put("feature_match/out", value, torch.autograd.grad(value, f, retain_graph=True)[0])


def minibatch():
    """Salimans et al. 2016, section 3.2, on two groups of three; the diagonal is left out."""
    m, dy, um = draw(6, 4, 3, scale=0.5), draw(6, 3), draw(6, 4, 3)
    put("minibatch/in", m, dy, um)
    m.requires_grad_()
    dy.requires_grad_()
    outputs = []
    for group in m.split(3):
        distance = (group[:, None] - group[None]).abs().sum(2)  # i, j, b
        near = torch.exp(-distance) * (1 - torch.eye(3))[:, :, None]
        outputs.append(near.sum(1))
    o = torch.cat(outputs)
    dm = torch.autograd.grad(o, m, dy, create_graph=True)[0]
    uo, hm = torch.autograd.grad((dm * um).sum(), (dy, m))
    put("minibatch/out", o, dm, uo, hm)


def variational():
    """in h = [mu, v]; out the mean divergence from the standard normal, and 0.75 of its gradient."""
    h = draw(3, 8)
    put("variational/in", h)
    h.requires_grad_()
    mu, v = h.chunk(2, dim=1)
    normal = torch.distributions.Normal
    posterior, prior = normal(mu, torch.exp(v / 2)), normal(torch.zeros(3, 4), torch.ones(3, 4))
    kl = torch.distributions.kl_divergence(posterior, prior).sum(1).mean()
    put("variational/out", kl, torch.autograd.grad(0.75 * kl, h)[0])


def virtual_norm():
    """Salimans et al. 2016, section 3.4: the first three samples are the reference. in x, gamma,
    beta, dy; out y, dx, dgamma, dbeta."""
    x, gamma, beta, dy = draw(5, 3, 2, 2, shift=0.5), draw(3, shift=1), draw(3), draw(5, 3, 2, 2)
    put("virtual_norm/in", x, gamma, beta, dy)
    inputs = [value.requires_grad_() for value in (x, gamma, beta)]
    reference = x[:3]
    mean, square = (v.mean((0, 2, 3), keepdim=True) for v in (reference, reference.square()))

    def normalise(x, mean, square):
        variance = square - mean.square()
        y = (x - mean) / (variance + 2**-6).sqrt()
        return gamma[:, None, None] * y + beta[:, None, None]

    parts = [normalise(reference, mean, square)]
    for example in x[3:].split(1):
        own = [v.mean((2, 3), keepdim=True) for v in (example, example.square())]
        parts.append(normalise(example, 3 / 4 * mean + own[0] / 4, 3 / 4 * square + own[1] / 4))
    y = torch.cat(parts)
    put("virtual_norm/out", y, *torch.autograd.grad(y, inputs, dy))


if __name__ == "__main__":
    parts = (reconstruction, pulling_away, feature_match, minibatch, variational, virtual_norm)
    write(sys.argv[1], parts)
