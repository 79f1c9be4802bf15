#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the overrides with which a config runs on a small batch of synthetic images.

    small.py CONFIG BATCH     e.g. train.batch=4 data.source=glyphs ...
"""

import sys

from gantry_torch import config, network


# Batch norms of features, one behind the other, magnify the rounding of samples that hardly differ
# (4e-5 of a score at batch 4): more samples, from larger weights.
BETTER_CONDITIONED = {
    "infogan-mnist": {
        "train.batch": 16,
        "generator.init.weight.std": 0.1,
        "discriminator.init.weight.std": 0.1,
    }
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
    if "evaluation" in run:  # on data that are not there
        changes["evaluation"] = "{}"
    if train.get("d_warmup", {}).get("d_steps"):
        changes["train.d_warmup.d_steps"] = train.get("d_steps", 1) + 1
    if height > 1:
        low, high = run["data"].get("range", [-1, 1])
        data = f'{{"source":"glyphs","size":[{height},{width}],"channels":{channels},'
        changes["data"] = data + f'"range":[{low},{high}]}}'
    changes.update(BETTER_CONDITIONED.get(run["name"], {}))
    return changes


def main():
    for key, value in overrides(sys.argv[1], int(sys.argv[2])).items():
        print(f"{key}={value}", end=" ")


if __name__ == "__main__":
    main()
