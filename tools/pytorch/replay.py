#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Replays a trace of `gantry trace` in PyTorch, in double precision, and compares everything.

    replay.py DIR          exit 0: all agree; 1: something differs; 2: the trace cannot be read

Per tensor the difference is max |a - b| / max |b|. Gradients are compared by layer, since a bias
before a batch norm has none but for rounding: |a - b| / |b| in the Euclidean norm over all of the
layer's gradients ("grad"), and as above with max |b| over all of them ("grad max"). The tolerances
stand beside the largest difference measured over what check.sh traces (batch 4, three steps, CPU,
x86-64 with AVX-512).
"""

import argparse
import glob
import json
import math
import os
import sys

import torch

from gantry_torch import safetensors
from gantry_torch.reconstruction import make_witness

# kind: (tolerance, largest measured)
TOLERANCES = {
    "fake": (1e-5, 7.6e-6),
    "latent": (1e-5, 4.3e-7),  # codes of an autoencoder
    "score": (2e-5, 1.1e-5),
    "loss": (2e-5, 7.1e-6),
    "grad": (1e-5, 7.8e-6),
    "grad max": (1e-4, 2.0e-5),
    "lr": (1e-6, 9.8e-8),
    "after": (5e-6, 4.4e-7),
    "state": (1e-5, 1.5e-6),
    "ema": (1e-6, 2.6e-7),
}
STATES = ("running_mean", "running_var", ".u")
MOST_KINKS = 24
FLOOR = 1e-6  # a tensor with nothing larger counts as zero


def layer_of(gradient):
    return gradient.rsplit(".", 1)[0]


def kind_of(name):
    parts = name.split(".")
    if parts[1] == "grad":
        return "grad max"
    if parts[1].startswith("m"):
        return "score" if parts[2].startswith("score") else parts[2]
    if parts[1].startswith("loss"):
        return "loss"
    if parts[1] == "after":
        if parts[2] == "ema":
            return "ema"
        if parts[2:4] == ["objective", "lecam"]:  # means of scores
            return "score"
        return "state" if name.endswith(STATES) else "after"
    return parts[1]


class Comparison:
    def __init__(self):
        self.worst = {}  # kind: (difference, name)
        self.failures = []
        self.compared = 0
        self.turned = 0  # values at a kink that the trace has on the other side

    def check(self, name, traced, computed, scale):
        kind = kind_of(name)
        traced = traced.double().flatten()
        computed = computed.flatten()
        self.compared += 1
        if traced.numel() != computed.numel():
            self.failures.append(f"{name}: {traced.numel()} values, {computed.numel()} expected")
            return
        self.note(kind, name, float((traced - computed).abs().max()) / max(scale, FLOOR))

    def note(self, kind, name, difference):
        if not difference <= TOLERANCES[kind][0]:  # not: NaN fails
            self.failures.append(f"{name}: {kind} differs by {difference:.3g}")
        if kind not in self.worst or not difference <= self.worst[kind][0]:
            self.worst[kind] = (difference, name)

    def report(self):
        print(f"{'kind':8} {'tolerance':>10} {'worst':>10}  tensor")
        for kind, (difference, name) in sorted(self.worst.items()):
            print(f"{kind:8} {TOLERANCES[kind][0]:10.1e} {difference:10.2e}  {name}")
        for failure in self.failures[:40]:
            print("MISMATCH", failure)


def check_inputs(witness, name, given, comparison):
    """What a run feeds itself must be what its config says."""
    for key, value in given.items():
        parts = key.split(".")
        if parts[0] != name or len(parts) < 3:
            continue
        if parts[2].startswith("target_") and name[0] == "d":
            fault = witness.objective.target_fault(parts[2][len("target_") :], value)
            if fault:
                comparison.failures.append(f"{key}: {fault}")
        if parts[-1] in ("share", "offset"):
            fault = witness.objective.draw_fault(".".join(parts[2:]), value)
            if fault:
                comparison.failures.append(f"{key}: {fault}")
        if parts[-1].startswith("augmentation"):
            images = [k for k in given if k.split(".")[2:] in (["real"], ["fake"])]
            shape = given[images[0]].shape[1:3]
            fault = witness.techniques.fault(key, value, shape)
            if fault:
                comparison.failures.append(f"{key}: {fault}")
        if "mask" in parts:
            rate = witness.nets[parts[-2]].layers[parts[-1]].rate
            kept = 1 / (1 - rate)
            if not (((value - kept).abs() < 1e-5) | (value == 0)).all():
                comparison.failures.append(f"{key}: values other than 0 and {kept:.6g}")


def scales(found, linear=False):
    """max |b| per tensor, or per layer for gradients. linear: a loss is a mean of scores, or of what
    they lack to 1, which may cancel, so that it counts relative to them."""
    largest = {key: float(value.abs().max()) for key, value in found.items()}
    for key in [key for key in largest if linear and kind_of(key) == "score"]:
        update, _, score, *head = key.split(".")
        if head:  # not the score, but the answer of another layer
            continue
        of_generator = update[0] == "g"
        loss = f"{update}.loss" if of_generator else f"{update}.{score.replace('score', 'loss')}"
        largest[loss] = max(largest.get(loss, 0), largest[key])
    layers = {}
    for key, value in largest.items():
        if kind_of(key) == "grad max":
            layers[layer_of(key)] = max(layers.get(layer_of(key), 0), value)
    return {key: layers.get(layer_of(key), value) for key, value in largest.items()}


def layer_errors(found, given):
    """{layer: |a - b| / |b|} in the Euclidean norm over the layer's gradients."""
    sums = {}  # layer: squares of the differences, of the gradients, and how many there are
    for key, value in found.items():
        if kind_of(key) == "grad max" and key in given:
            apart, size, count = sums.get(layer_of(key), (0, 0, 0))
            difference = given[key].double().flatten() - value.flatten()
            apart += float(difference.square().sum())
            size += float(value.square().sum())
            sums[layer_of(key)] = apart, size, count + value.numel()
    return {
        layer: math.sqrt(apart) / max(math.sqrt(size), FLOOR * math.sqrt(count))
        for layer, (apart, size, count) in sums.items()
    }


def mismatch(found, given):
    """(largest gradient difference in tolerances, sum of squared differences over scales)."""
    largest, total = scales(found), 0.0
    worst = max(layer_errors(found, given).values(), default=0) / TOLERANCES["grad"][0]
    for key, value in found.items():
        if kind_of(key) == "grad max" and key in given:
            difference = given[key].double().flatten() - value.flatten()
            scale = max(largest[key], FLOOR)
            worst = max(worst, float(difference.abs().max()) / scale / TOLERANCES["grad max"][0])
            total += float(difference.square().sum()) / scale**2
    return worst, total


def settle(witness, name, given, last):
    """Runs an update; where gradients differ, tries the other side of values at a kink."""
    turned = witness.kinks.turned
    turned.clear()
    found = witness.update(name, given)
    worst, best = mismatch(found, given)
    candidates = witness.kinks.candidates(MOST_KINKS) if worst > 1 else []
    for key in candidates:
        turned.add(key)
        witness.load(last)
        worst, total = mismatch(witness.update(name, given), given)
        if total < best:
            best = total
        else:
            turned.discard(key)
        if worst <= 1:
            break
    if candidates:
        witness.load(last)
        found = witness.update(name, given)
    return found, len(turned)


def replay_step(witness, path, comparison, last):
    given, metadata = safetensors.read(path)
    witness.step = int(metadata["step"]) - 1
    for name in metadata["updates"].split():
        prefix = name + "."
        check_inputs(witness, name, given, comparison)
        found, turned = settle(witness, name, given, last)
        comparison.turned += turned
        for layer, error in layer_errors(found, given).items():
            comparison.note("grad", layer, error)
        found.update(witness.apply(name, given))
        objective = getattr(witness, "objective", None)
        largest = scales(found, getattr(objective, "loss", None) in ("wasserstein", "hinge"))
        for key, value in found.items():
            if key in given:
                comparison.check(key, given[key], value, largest[key])
            elif not key.split(".")[1].startswith("m"):
                comparison.failures.append(f"{key}: not in the trace")
        after = prefix + "after."
        last.update((k[len(after) :], v) for k, v in given.items() if k.startswith(after))
        witness.load(last)


def replay(directory):
    with open(os.path.join(directory, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    last, _ = safetensors.read(os.path.join(directory, "initial.safetensors"))
    witness = make_witness(config)
    missing = witness.load(last)
    comparison = Comparison()
    comparison.failures += [f"initial.safetensors lacks {name}" for name in missing]
    witness.start()
    steps = sorted(glob.glob(os.path.join(directory, "step-*.safetensors")))
    if not steps:
        raise FileNotFoundError(f"no step-*.safetensors in {directory}")
    for path in steps:
        replay_step(witness, path, comparison, last)
    comparison.report()
    verdict = "MISMATCH" if comparison.failures else "agree"
    print(
        f"{config.get('name')}: {len(steps)} steps, {comparison.compared} tensors, "
        f"{comparison.turned} kinks: {verdict}"
    )
    return not comparison.failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("trace", help="directory that `gantry trace` wrote")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    try:
        agrees = replay(args.trace)
    except (OSError, KeyError, ValueError) as error:
        print(f"replay: {args.trace}: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
