#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of compare.sh: medians over the rounds, and Gantry's share of PyTorch's figures."""

import glob
import json
import os
import statistics
import sys

ROWS = (  # key, what, unit's divisor, whether more is better
    ("images_per_second", "images/s", 1, True),
    ("ms_per_step", "ms per step", 1, False),
    ("peak_rss_bytes", "peak memory, MiB", 2**20, False),
    ("device_bytes", "GPU memory, MiB", 2**20, False),
    ("start_to_first_step_s", "start to first step, s", 1, False),
)


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def best_mode(path, precision):
    """The engine and --d-grads that were fastest."""
    best = read(path)["best"][precision]
    return f"{best['engine']} {'kept' if best['d_weight_grads_in_g_step'] else 'frozen'}"


def keep(directory, path, config):
    """Appends one comparison to a file of JSON lines: medians, and which mode of PyTorch it was."""
    gantry = [read(name) for name in glob.glob(os.path.join(directory, "gantry-*.json"))]
    rounds = [read(name) for name in glob.glob(os.path.join(directory, "pytorch-*.json"))]
    peer = [next(iter(result["best"].values())) for result in rounds]
    row = {key: peer[0][key] for key in ("engine", "precision", "batch", "pytorch")}
    row.update(config=config, device=gantry[0]["device"], rounds=len(peer))
    for key, _, _, _ in ROWS:
        if all(result.get(key) for result in gantry + peer):
            row[key] = {
                "gantry": statistics.median(result[key] for result in gantry),
                "pytorch": statistics.median(result[key] for result in peer),
            }
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def table(directory):
    gantry = [read(path) for path in glob.glob(os.path.join(directory, "gantry-*.json"))]
    rounds = [read(path) for path in glob.glob(os.path.join(directory, "pytorch-*.json"))]
    peer = [next(iter(result["best"].values())) for result in rounds]
    mode = "D's weight gradients on" if peer[0]["d_weight_grads_in_g_step"] else "off in G's step"
    print(f"PyTorch {peer[0]['pytorch']}, {peer[0]['engine']}, {peer[0]['precision']}, {mode}")
    print(f"{'':24} {'gantry':>9} {'pytorch':>9} {'ratio':>7}   (medians of {len(peer)} rounds)")
    for key, what, unit, more in ROWS:
        if not all(result.get(key) for result in gantry + peer):
            continue
        ours = statistics.median(result[key] for result in gantry) / unit
        theirs = statistics.median(result[key] for result in peer) / unit
        better = "higher is better" if more else "lower is better"
        print(f"{what:24} {ours:9.2f} {theirs:9.2f} {ours / theirs:7.2f}   {better}")


def main():
    if sys.argv[1] == "best":
        print(best_mode(sys.argv[2], sys.argv[3]))
    elif sys.argv[1] == "keep":
        keep(*sys.argv[2:5])
    else:
        table(sys.argv[2])


if __name__ == "__main__":
    main()
