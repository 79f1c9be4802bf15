# SPDX-License-Identifier: Apache-2.0
"""The training step of a config as one writes it in PyTorch: what the benchmark times."""

import torch

from . import network
from .objective import Objective


def stock_optimizer(config, params, capturable=False):
    """PyTorch's own, fused where there is one. Keras's variants cost the same."""
    kind, lr = config["type"], config["lr"]
    if kind in ("adam", "adamw"):
        rule = torch.optim.AdamW if kind == "adamw" else torch.optim.Adam
        betas = [float(beta) for beta in config.get("betas", (0.9, 0.999))]  # 0 is read as an int
        return rule(params, lr, betas, fused=True, capturable=capturable)
    if kind == "rmsprop":
        return torch.optim.RMSprop(params, lr, config.get("rho", 0.99), capturable=capturable)
    return torch.optim.SGD(params, lr, config.get("momentum", 0), fused=capturable)


PRECISIONS = {"fp32": None, "tf32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


def set_matmul_precision(precision):
    """TF32 for all but fp32, which PyTorch's convolutions would use by themselves."""
    torch.backends.cuda.matmul.allow_tf32 = precision != "fp32"
    torch.backends.cudnn.allow_tf32 = precision != "fp32"
    torch.backends.cudnn.benchmark = True


class Training:
    """compiled: through torch.compile. freeze: no weight gradients of D in G's update. captured: the
    whole step as one CUDA graph. precision: a key of PRECISIONS; fp16 scales its losses."""

    def __init__(self, config, compiled=False, freeze=True, precision="fp32", device="cpu",
                 captured=False):
        train = config["train"]
        self.batch = train["batch"]
        self.generated = train.get("generator_batch") or self.batch
        self.packing = network.packing_of(config)
        self.reuse = train.get("reuse_fakes", False)
        self.d_steps = train.get("d_steps", 1)
        self.freeze, self.device = freeze, device
        self.half = PRECISIONS[precision]
        self.objective = Objective(config["objective"])
        self.g, self.d = (
            net.train().to(device, memory_format=torch.channels_last)
            for net in network.build(config)
        )
        for net in (self.g, self.d):
            initialize(net)
        optimizer, on_gpu = config["optimizer"], device == "cuda"
        self.optimizers = {
            "g": stock_optimizer(optimizer["g"], self.g.parameters(), on_gpu),
            "d": stock_optimizer(optimizer["d"], self.d.parameters(), on_gpu),
        }
        scaled = self.half is torch.float16
        self.scalers = {net: torch.amp.GradScaler(device, enabled=scaled) for net in "gd"}
        self.run_g = torch.compile(self.g) if compiled else self.g
        self.run_d = torch.compile(self.d) if compiled else self.d
        packs = self.batch // self.packing
        real = torch.rand(packs, *self.d.shapes["x"], device=device) * 2 - 1
        self.real = real.contiguous(memory_format=torch.channels_last)
        self.graph = None
        self.step = self.eager_step
        if captured:
            self.capture()

    def capture(self):
        """As in PyTorch's notes on CUDA graphs: some steps aside, then one is captured."""
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(4):
                self.eager_step()
        torch.cuda.current_stream().wait_stream(aside)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.eager_step()
        self.step = self.graph.replay

    def autocast(self):
        return torch.autocast(self.device, self.half, enabled=self.half is not None)

    def generate(self, n):
        with self.autocast():
            fake = self.run_g(torch.randn(n, *self.g.shapes["z"], device=self.device))
        return network.pack(fake, self.packing)

    def scores(self, fake):
        with self.autocast():
            if self.objective.real_fake == "mixed":
                parts = self.run_d(torch.cat([self.real, fake])).split(len(self.real))
            else:
                parts = (self.run_d(self.real), self.run_d(fake))
        return dict(zip(("real", "fake"), (part.float() for part in parts)))

    def descend(self, net, loss):
        scaler = self.scalers[net]
        scaler.scale(loss).backward()
        scaler.step(self.optimizers[net])
        scaler.update()
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
        points = self.objective.penalty_points({"real": self.real, "fake": fake}, self.real, {})
        for kind, x in points.items():
            losses[kind] = self.objective.penalty(self.d, kind, x)
        self.descend("d", sum(losses.values()))

    def eager_step(self):
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
