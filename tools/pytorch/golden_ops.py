#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what PyTorch computes for single ops in double precision, for kernels_tests.

    golden_ops.py tests/golden/ops.safetensors

Two tensors per case, each a sequence: "<case>/in", numbers that float32 holds exactly, and
"<case>/out", float64. Everything is in memory order: n, h, w, c and, for filters, o, kh, kw, i.
A differentiable op f(x, w, ...) has
    in   x, w, ..., dy, [ux]
    out  y, the gradients of <y, dy> by x, w, ..., and of B = <dy, J ux>, by create_graph:
         [J ux, dB/dx, dB/dw, ...]
and the other cases what their function below puts, in that order.
"""

import sys

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.manual_seed(20240607)
torch.set_default_dtype(torch.float64)
sequences = {}


def draw(*shape, scale=1.0, shift=0.0):
    return (torch.randn(*shape) * scale + shift).float().double()


def put(name, *values):
    for value in values:
        value = torch.as_tensor(value).detach()
        if value.dim() == 4:
            value = value.permute(0, 2, 3, 1)
        sequences.setdefault(name, []).append(value.double().flatten().clone())


def differentiate(case, f, *inputs, second=True):
    """inputs: x, then the parameters."""
    put(f"{case}/in", *inputs)
    for value in inputs:
        value.requires_grad_()
    y = f(*inputs)
    dy, ux = draw(*y.shape).requires_grad_(), draw(*inputs[0].shape)
    gradients = torch.autograd.grad(y, inputs, dy, create_graph=True)
    put(f"{case}/in", dy)
    put(f"{case}/out", y, *gradients)
    if not second:
        return
    put(f"{case}/in", ux)
    bilinear = (gradients[0] * ux).sum()
    results = torch.autograd.grad(bilinear, [dy, *inputs], allow_unused=True)
    for value, result in zip([dy, *inputs], results):
        put(f"{case}/out", torch.zeros_like(value) if result is None else result)


def convolutions():
    for case, x, w, options in [
        ("conv_dcgan", (2, 2, 6, 4), (3, 2, 4, 4), dict(stride=2, padding=1)),
        ("conv_groups", (1, 4, 3, 4), (4, 2, 3, 3), dict(padding=1, groups=2)),
        ("conv_dilated", (1, 2, 7, 5), (3, 2, 3, 2), dict(stride=(2, 1), dilation=2)),
    ]:
        differentiate(
            case,
            lambda x, w, b, o=options: F.conv2d(x, w, b, **o),
            draw(*x), draw(*w, scale=0.3), draw(w[0]),
        )
    for case, x, w, out, options in [
        ("transposed_dcgan", (2, 3, 3, 2), (3, 2, 4, 4), 2, dict(stride=2, padding=1)),
        ("transposed_odd", (1, 2, 3, 2), (2, 2, 3, 3), 2,
         dict(stride=2, padding=1, output_padding=1)),
    ]:
        differentiate(
            case,
            lambda x, w, b, o=options: F.conv_transpose2d(x, w, b, **o),
            draw(*x), draw(*w, scale=0.3), draw(out),
        )
    differentiate("dense", F.linear, draw(3, 5), draw(4, 5), draw(4))


def norms():
    leaky = lambda y: F.leaky_relu(y, 0.25)
    running_mean, running_var = draw(3), (draw(3).abs() + 0.5).float().double()
    put("running/in", running_mean, running_var)

    def batch_norm(x, gamma, beta):
        return leaky(F.batch_norm(x, running_mean, running_var, gamma, beta, True, 0.125, 2**-16))

    x, gamma, beta = draw(4, 3, 2, 2, shift=0.5), draw(3, shift=1), draw(3)
    differentiate("batch_norm", batch_norm, x, gamma, beta)
    put("running/out", running_mean, running_var, leaky(
        F.batch_norm(x, running_mean, running_var, gamma, beta, False, 0, 2**-16)))

    def layer_norm(x, gamma, beta):
        y = F.layer_norm(x, x.shape[1:], eps=2**-16)
        return leaky(y * gamma[:, None, None] + beta[:, None, None])

    differentiate("layer_norm", layer_norm,
                  draw(2, 4, 2, 3), draw(4, shift=1), draw(4))
    differentiate("instance_norm",
                  lambda x, gamma, beta: leaky(
                      F.instance_norm(x, weight=gamma, bias=beta, eps=2**-16)),
                  draw(2, 3, 3, 2), draw(3, shift=1), draw(3))
    differentiate("group_norm",
                  lambda x, gamma, beta: leaky(F.group_norm(x, 3, gamma, beta, eps=2**-16)),
                  draw(2, 6, 2, 2), draw(6, shift=1), draw(6))


def pointwise():
    for name, f in dict(
        relu=F.relu,
        leaky_relu=lambda x: F.leaky_relu(x, 0.25),
        tanh=torch.tanh,
        sigmoid=torch.sigmoid,
        elu=lambda x: F.elu(x, 0.5),
        silu=F.silu,
        softplus=F.softplus,
    ).items():
        differentiate(name, f, draw(2, 8, scale=2))


def spatial():
    up = lambda **o: lambda x: F.interpolate(x, **o)
    for case, shape, f in [
        ("nearest", (1, 2, 1, 2), up(scale_factor=3, mode="nearest")),
        ("bilinear2", (1, 1, 3, 4), up(scale_factor=2, mode="bilinear", align_corners=False)),
        ("bilinear3", (1, 2, 2, 2), up(scale_factor=3, mode="bilinear", align_corners=False)),
        ("max_pool", (2, 1, 5, 6), lambda x: F.max_pool2d(x, 3, 2, 1)),
        ("average_pool", (1, 2, 5, 6),
         lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)),
        ("reflect", (1, 2, 4, 4), lambda x: F.pad(x, (1, 2, 3, 0), mode="reflect")),
        ("crop", (1, 2, 5, 5), lambda x: F.pad(x, (-1, 2, 1, -2))),
    ]:
        differentiate(case, f, draw(*shape), second=False)


def losses():
    x, t, sign = draw(5, 3, scale=2), torch.rand(5, 3).float().double(), draw(5, 3).sign()
    classes = torch.tensor([0, 2, 1, 1, 2])
    put("loss/in", x, t, sign, classes, t[:, 0])
    x.requires_grad_()
    for value in [
        F.binary_cross_entropy_with_logits(x, t),
        F.mse_loss(x, t),
        F.l1_loss(x, t),
        (sign * x).mean(),
        F.relu(1 - sign * x).mean(),
        F.cross_entropy(x, classes),
        F.binary_cross_entropy_with_logits(torch.logsumexp(x, 1), t[:, 0]),
    ]:
        put("loss/out", value, torch.autograd.grad(value, x)[0])


STEPS, SIZE = 20, 6
RATE = 0.0078125  # 2^-7


def keras_sgd(p, grads, momentum, nesterov):
    v = torch.zeros_like(p)
    for g in grads:
        v = momentum * v - RATE * g
        p = p + (momentum * v - RATE * g if nesterov else v)
    return p


def keras_adam(p, grads, beta1=0.5, beta2=0.999, eps=1e-7):
    m, v = torch.zeros_like(p), torch.zeros_like(p)
    for t, g in enumerate(grads, start=1):
        alpha = RATE * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
        m = m + (g - m) * (1 - beta1)
        v = v + (g * g - v) * (1 - beta2)
        p = p - m * alpha / (v.sqrt() + eps)
    return p


def keras_rmsprop(p, grads, momentum, centered, rho=0.9, eps=1e-7):
    s, a, v = torch.zeros_like(p), torch.zeros_like(p), torch.zeros_like(p)
    for g in grads:
        s = rho * s + (1 - rho) * g * g
        a = rho * a + (1 - rho) * g
        step = RATE * g / ((s - a * a if centered else s) + eps).sqrt()
        v = momentum * v + step
        p = p - v
    return p


def optimizers():
    start, grads = draw(SIZE), draw(STEPS, SIZE)
    put("optimizer/in", start, grads)
    rms = dict(lr=RATE, alpha=0.9, eps=1e-8)
    for make in [
        lambda p: torch.optim.SGD(p, RATE),
        lambda p: torch.optim.SGD(p, RATE, momentum=0.9, dampening=0.25, weight_decay=0.125),
        lambda p: torch.optim.SGD(p, RATE, momentum=0.9, nesterov=True),
        lambda p: torch.optim.Adam(p, RATE, betas=(0.5, 0.999), weight_decay=0.125),
        lambda p: torch.optim.AdamW(p, RATE, betas=(0.5, 0.999), weight_decay=0.125),
        lambda p: torch.optim.RMSprop(p, **rms),
        lambda p: torch.optim.RMSprop(p, **rms, centered=True, momentum=0.5),
    ]:
        p = start.clone().requires_grad_()
        optimizer = make([p])
        for g in grads:
            p.grad = g.clone()
            optimizer.step()
        put("optimizer/out", p)
    put("optimizer/out", keras_sgd(start, grads, 0.9, False), keras_sgd(start, grads, 0.9, True))
    put("optimizer/out", keras_adam(start, grads), keras_rmsprop(start, grads, 0, False))
    put("optimizer/out", keras_rmsprop(start, grads, 0.5, True))


def spectral_norm():
    layer = torch.nn.Linear(6, 4, bias=False)
    with torch.no_grad():
        layer.weight.copy_(draw(4, 6))
    w = layer.weight.detach().clone()
    torch.nn.utils.spectral_norm(layer, n_power_iterations=2)
    u = F.normalize(draw(4), dim=0).float().double()
    with torch.no_grad():
        layer.weight_u.copy_(u)
    layer(draw(1, 6))
    dw_hat = draw(4, 6)
    (layer.weight * dw_hat).sum().backward()
    put("spectral_norm/in", w, u, dw_hat)
    put("spectral_norm/out", layer.weight, layer.weight_u, layer.weight_orig.grad)


def gradient_penalties():
    """in: g; out, for each kind: value, mean norm, d value / dg. target 3/4, scale 10."""
    g = draw(3, 2, 4, 3, scale=0.25).requires_grad_()  # two norms above the target, one below
    with torch.no_grad():
        g[1] *= 0.25
    put("gradient_penalty/in", g)
    squares = g.flatten(1).square().sum(1)
    excess = (squares + 1e-10).sqrt() - 0.75
    for terms in (excess.square(), F.relu(excess).square(), squares / 2):
        value = 10 * terms.mean()
        (v,) = torch.autograd.grad(value, g, retain_graph=True)
        put("gradient_penalty/out", value, squares.sqrt().mean(), v)
    x = draw(3, 2, 4, 3, shift=2)
    put("deviation/in", x)
    put("deviation/out", x.std(unbiased=False))


def write(path, parts):
    for part in parts:
        part()
    tensors = {name: torch.cat(values) for name, values in sequences.items()}
    tensors = {name: t.float() if name.endswith("/in") else t for name, t in tensors.items()}
    save_file(tensors, path, metadata={"torch": torch.__version__, "seed": "20240607"})


if __name__ == "__main__":
    parts = (convolutions, norms, pointwise, spatial, losses, optimizers, spectral_norm)
    parts += (gradient_penalties,)
    write(sys.argv[1], parts)
