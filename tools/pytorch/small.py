# SPDX-License-Identifier: Apache-2.0
"""The overrides with which a config runs on a small batch of synthetic images (or points)."""

from gantry_torch import config, network


LARGER = {
    "train.batch": 16,
    "generator.init.weight.std": 0.1,
    "discriminator.init.weight.std": 0.1,
}
# Where float32, PyTorch's as well, is further from the truth than the tolerances of replay.py.
BETTER_CONDITIONED = {
    # Batch norms of features, one behind the other, magnify the rounding of samples that hardly
    # differ (1e-5 of a gradient, 4e-5 of a score at batch 4; 1e-6 at batch 16): more samples, and
    # for the deeper ones larger weights.
    "cgan-mlp": {"train.batch": 16},
    "infogan-mnist": LARGER,
    "infogan-cifar10": LARGER,
    # While k is 0 only real samples have gradients: +-c times activations that nearly cancel over
    # the pixels of the last convolution (1.9e-5; 2e-6 with the generated ones at 0.2).
    "began-cifar10": {"objective.began.k": 0.2},
    # Behind a batch norm the gradients of a channel cancel, so that of the first weights is all
    # rounding from where the picture is constant (1.4e-5, in PyTorch 1.6e-5), unless that is 0.
    "mnist-classifier": {"data.range": "[0,1]"},
}


def overrides(path, batch):
    run = config.load(path)
    channels, height, width = network.data_shape(run)
    train = run["train"]
    changes = {"train.batch": batch}
    if train.get("generator_batch"):  # keeps its proportion to the batch
        changes["train.generator_batch"] = train["generator_batch"] * batch // train["batch"]
    if train.get("fake_batch"):
        changes["train.fake_batch"] = train["fake_batch"] * batch // train["batch"]
    if train.get("d_steps", 1) > 2:  # the rest is more of the same
        changes["train.d_steps"] = 2
    if "evaluation" in run:  # on data that are not there
        changes["evaluation"] = "{}"
    if train.get("d_warmup", {}).get("d_steps"):
        changes["train.d_warmup.d_steps"] = 3
    if height > 1:
        low, high = run["data"].get("range", [-1, 1])
        data = f'{{"source":"glyphs","size":[{height},{width}],"channels":{channels},'
        changes["data"] = data + f'"range":[{low},{high}]}}'
    changes.update(BETTER_CONDITIONED.get(run["name"], {}))
    return changes

