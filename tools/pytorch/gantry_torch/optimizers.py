# SPDX-License-Identifier: Apache-2.0
"""One update of one network: clipping, schedule, rule, weight clip, EMA.

Works on {name: tensor}; keeps its own states. The formulas are those of docs/configuration.md and
of the papers (Kingma, Ba 2015; Loshchilov, Hutter 2019; Tieleman, Hinton 2012), with PyTorch's and
Keras's placing of epsilon.
"""

import math

import torch


def learning_rate(lr, schedule, t):
    """t: updates done before this one."""
    kind = schedule.get("type", "constant")
    decay, every = schedule.get("decay", 0), schedule.get("every", 1)
    first, last = schedule.get("from", 0), schedule.get("until", 0)
    if kind == "inverse_time":
        value = lr / (1 + decay * t)
    elif kind == "exponential":
        value = lr * decay ** (t / every)
    elif kind == "step":
        value = lr * decay ** (t // every)
    elif kind == "linear":
        value = lr * (1 - min(max((t - first) / (last - first), 0), 1))
    elif kind == "cosine":
        floor = schedule.get("floor", 0)
        share = min(t / last, 1)
        value = floor + (lr - floor) * (1 + math.cos(math.pi * share)) / 2
    else:
        value = lr
    warmup = schedule.get("warmup", 0)
    return value * min(1, (t + 1) / warmup) if warmup else value


class Optimizer:
    """config: one side of the "optimizer" section."""

    def __init__(self, config, ema=None):
        self.config = config
        self.ema = ema if ema and ema.get("decay", 0) > 0 else None
        self.states = {}
        self.averages = {}
        self.past = {}  # means of the parameters before each update
        self.t = 0

    def start_ema(self, params):
        """The average starts as the initial weights."""
        self.averages = {name: p.detach().clone() for name, p in params.items()}

    def past_mean(self, name, p):
        """Of the parameter before each update so far and now."""
        return (self.t * self.past.get(name, 0) + p.detach()) / (self.t + 1)

    def pull(self, name, p):
        """The gradient of historical averaging: weight |p - mean|^2, the mean held constant."""
        return 2 * self.config.get("historical_average", 0) * (p.detach() - self.past_mean(name, p))

    def next_lr(self):
        return learning_rate(self.config["lr"], self.config.get("schedule", {}), self.t)

    @torch.no_grad()
    def step(self, params, grads):
        """Changes the tensors of `params` in place."""
        c, lr = self.config, self.next_lr()
        self.past = {name: self.past_mean(name, p) for name, p in params.items()}
        self.t += 1
        factor = self.clip_factor(grads.values(), "clip_norm")
        for name, p in params.items():
            g = grads[name] * factor * self.clip_factor([grads[name]], "clip_tensor_norm")
            limit = c.get("clip_value", 0)
            if limit:
                g = g.clamp(-limit, limit)
            decay = c.get("weight_decay", 0)
            if decay and self.decoupled():
                p -= lr * decay * p
            elif decay:
                g = g + decay * p
            p -= self.change(name, g, lr)
            bound = c.get("weight_clip", 0)
            if bound:
                p.clamp_(-bound, bound)
            if self.ema:
                self.average(name, p)

    def decoupled(self):
        return self.config["type"] == "adamw" or self.config.get("decoupled", False)

    def clip_factor(self, grads, key):
        most = self.config.get(key, 0)
        if not most:
            return 1.0
        norm = math.sqrt(sum(float((g.double() ** 2).sum()) for g in grads))
        return min(1.0, most / (norm + 1e-6))

    def change(self, name, g, lr):
        """What is taken off the parameter."""
        rule = self.config["type"]
        if rule == "sgd":
            return self.sgd(name, g, lr)
        if rule == "rmsprop":
            return self.rmsprop(name, g, lr)
        return self.adam(name, g, lr)

    def keras(self):
        return self.config.get("variant") == "keras"

    def state(self, name, kind, like):
        return self.states.setdefault((name, kind), torch.zeros_like(like))

    def sgd(self, name, g, lr):
        momentum = self.config.get("momentum", 0)
        if not momentum:
            return lr * g
        v = self.state(name, "velocity", g)
        if self.keras():  # the learning rate enters the velocity
            v.mul_(momentum).sub_(g, alpha=lr)
            return lr * g - momentum * v if self.config.get("nesterov") else -v
        if self.t == 1:
            v.copy_(g)
        else:
            v.mul_(momentum).add_(g, alpha=1 - self.config.get("dampening", 0))
        return lr * (g + momentum * v if self.config.get("nesterov") else v)

    def adam(self, name, g, lr):
        c = self.config
        b1, b2 = c.get("betas", [0.9, 0.999])
        eps = c.get("eps", 1e-7 if self.keras() else 1e-8)
        m, v = self.state(name, "m", g), self.state(name, "v", g)
        m.mul_(b1).add_(g, alpha=1 - b1)
        v.mul_(b2).addcmul_(g, g, value=1 - b2)
        first, second = 1 - b1**self.t, 1 - b2**self.t
        if self.keras():
            return lr * math.sqrt(second) / first * m / (v.sqrt() + eps)
        return lr * (m / first) / ((v / second).sqrt() + eps)

    def rmsprop(self, name, g, lr):
        c = self.config
        rho = c.get("rho", 0.9 if self.keras() else 0.99)
        eps = c.get("eps", 1e-7 if self.keras() else 1e-8)
        s = self.state(name, "square", g)
        s.mul_(rho).addcmul_(g, g, value=1 - rho)
        centered = s
        if c.get("centered"):
            a = self.state(name, "mean", g)
            a.mul_(rho).add_(g, alpha=1 - rho)
            centered = s - a * a
        d = g / (centered + eps).sqrt() if self.keras() else g / (centered.sqrt() + eps)
        momentum = c.get("momentum", 0)
        if not momentum:
            return lr * d
        v = self.state(name, "velocity", g)
        if self.keras():
            v.mul_(momentum).add_(d, alpha=lr)
            return v.clone()
        v.mul_(momentum).add_(d)
        return lr * v

    def average(self, name, p):
        decay, start = self.ema["decay"], self.ema.get("start", 0)
        if self.t < start:
            self.averages[name].copy_(p)
        else:
            self.averages[name].mul_(decay).add_(p, alpha=1 - decay)
