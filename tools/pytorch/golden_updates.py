#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what whole updates of D and G compute, in double precision and from the papers' formulas.

    GANTRY_KEEP_TRACES=DIR build/tests/train/train_tests --gtest_filter='*GoldenUpdate*Reference*'
    golden_updates.py DIR tests/golden/updates.safetensors

Of each trace in DIR only the config, the first weights and the inputs of the first step are used:
samples, latents, labels, targets, masks and the points of penalties. They are in the file too.
Names: CASE/ and the name in the trace (docs/trace-format.md); CASE/initial. and that of a weight or
state before the step.
"""

import json
import os
import sys

import torch

from gantry_torch import network, safetensors
from gantry_torch.reconstruction import make_witness


def is_input(name):
    parts = name.split(".")
    return parts[1] == "m1" and parts[2] != "fake" and not parts[2].startswith("score")


def updates(directory):
    with open(os.path.join(directory, "config.json"), encoding="utf-8") as file:
        witness = make_witness(json.load(file))
    first, _ = safetensors.read(os.path.join(directory, "initial.safetensors"))
    traced, metadata = safetensors.read(os.path.join(directory, "step-000001.safetensors"))
    lacking = witness.load(first)
    if lacking:
        raise ValueError(f"{directory}: initial.safetensors lacks {lacking}")
    witness.start()
    given = {name: value for name, value in traced.items() if is_input(name)}
    # The reference batch of virtual batch norm is no result: it stays.
    references = {name: value for name, value in traced.items() if name.endswith(".reference")}
    found = {}
    for name in metadata["updates"].split():
        found.update(witness.update(name, given))
        found.update(witness.apply(name, {**given, **found}))
        found = {key: value.detach().clone() for key, value in found.items()}
    # A head whose loss has no weight is computed by no one but here.
    found = {name: value for name, value in found.items() if name in traced or "score" not in name}
    initial = {f"initial.{name}": value for name, value in first.items()}
    return {**initial, **given, **references, **found}


def main():
    torch.set_num_threads(1)
    directory, path = sys.argv[1:]
    tensors = {}
    for case in sorted(os.listdir(directory)):
        for name, value in updates(os.path.join(directory, case)).items():
            tensors[f"{case}/{name}"] = value.double()
    safetensors.write(path, tensors)


if __name__ == "__main__":
    main()
