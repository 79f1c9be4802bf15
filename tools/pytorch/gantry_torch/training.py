# SPDX-License-Identifier: Apache-2.0
"""The training step of a config as one writes it in PyTorch: what the benchmark times."""

import torch

from . import network
from .objective import Objective


def stock_optimizer(config, params):
    """PyTorch's own, fused where there is one. Keras's variants cost the same."""
    kind, lr = config["type"], config["lr"]
    if kind in ("adam", "adamw"):
        rule = torch.optim.AdamW if kind == "adamw" else torch.optim.Adam
        return rule(params, lr, config.get("betas", (0.9, 0.999)), fused=True)
    if kind == "rmsprop":
        return torch.optim.RMSprop(params, lr, config.get("rho", 0.99))
    return torch.optim.SGD(params, lr, config.get("momentum", 0))


class Training:
    """compiled: through torch.compile. freeze: no weight gradients of D in G's update."""

    def __init__(self, config, compiled=False, freeze=True, bf16=False):
        train = config["train"]
        self.batch = train["batch"]
        self.generated = train.get("generator_batch") or self.batch
        self.reuse = train.get("reuse_fakes", False)
        self.d_steps = train.get("d_steps", 1)
        self.freeze, self.bf16 = freeze, bf16
        self.objective = Objective(config["objective"])
        self.g, self.d = (
            net.train().to(memory_format=torch.channels_last) for net in network.build(config)
        )
        for net in (self.g, self.d):
            initialize(net)
        optimizer = config["optimizer"]
        self.optimizers = {
            "g": stock_optimizer(optimizer["g"], self.g.parameters()),
            "d": stock_optimizer(optimizer["d"], self.d.parameters()),
        }
        self.run_g = torch.compile(self.g) if compiled else self.g
        self.run_d = torch.compile(self.d) if compiled else self.d
        image = self.d.shapes["x"]
        real = torch.rand(self.batch, *image) * 2 - 1
        self.real = real.contiguous(memory_format=torch.channels_last)

    def autocast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.bf16)

    def generate(self, n):
        with self.autocast():
            return self.run_g(torch.randn(n, *self.g.shapes["z"]))

    def scores(self, fake):
        with self.autocast():
            if self.objective.real_fake == "mixed":
                parts = self.run_d(torch.cat([self.real, fake])).split(self.batch)
            else:
                parts = (self.run_d(self.real), self.run_d(fake))
        return dict(zip(("real", "fake"), (part.float() for part in parts)))

    def descend(self, net, loss):
        loss.backward()
        self.optimizers[net].step()
        self.optimizers[net].zero_grad()

    def update_d(self, fake):
        targets = {side: self.objective.target_base(side) for side in ("real", "fake")}
        if self.objective.real_fake == "alternating":
            for side, x in (("real", self.real), ("fake", fake)):
                with self.autocast():
                    score = self.run_d(x).float()
                self.descend("d", self.objective.score(score, targets[side]))
            return
        losses = self.objective.discriminator(self.scores(fake), targets)
        self.descend("d", sum(losses.values()))

    def step(self):
        for _ in range(self.d_steps):
            if self.reuse:
                fake = self.generate(self.batch)
            else:
                with torch.no_grad():
                    fake = self.generate(self.batch)
            self.update_d(fake.detach())
        if not self.reuse:
            fake = self.generate(self.generated)
        if self.freeze:
            self.d.requires_grad_(False)
        with self.autocast():
            score = self.run_d(fake)
        self.descend("g", self.objective.generator(score.float()))
        if self.freeze:
            self.d.requires_grad_(True)
        else:
            self.optimizers["d"].zero_grad()


def initialize(net):
    for name, p in net.tensors().items():
        mean = 1.0 if name.endswith("scale") else 0.0
        torch.nn.init.normal_(p, mean, 0.02)
