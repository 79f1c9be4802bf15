#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/benchmarks.md from what tools/gpu_check.sh left in a folder.

    gpu_tables.py FOLDER    reads gpu-results.jsonl, speed.jsonl, profile-*.json and logs; writes
                            gpu-tables.md there and prints it
"""

import glob
import json
import os
import re
import subprocess
import sys


def read_lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def read_text(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def commit():
    command = ["git", "rev-parse", "--short", "HEAD"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def latest(rows, *keys):
    """One row per value of the keys: stages may have been run again."""
    last = {}
    for row in rows:
        last[tuple(row[key] for key in keys)] = row
    return list(last.values())


def outcome_table(rows):
    yield "| stage | step | result | s |"
    yield "|---|---|---|---|"
    for row in latest(rows, "stage", "name"):
        result = "passed" if row["passed"] else f"FAILED: {row['found']}"
        if row["passed"] is None:  # no failure, and not done
            result = row["found"]
        yield f"| {row['stage']} | {row['name']} | {result} | {row['seconds']} |"


def speed_table(rows):
    yield "| config | batch | precision | gantry, images/s | PyTorch's best | ratio | memory ratio |"
    yield "|---|---|---|---|---|---|---|"
    for row in latest(rows, "config", "batch", "precision"):
        speed, memory = row["images_per_second"], row.get("device_bytes")
        share = f"{memory['gantry'] / memory['pytorch']:.2f}" if memory else ""
        yield (
            f"| {row['config']} | {row['batch']} | {row['precision']} | {speed['gantry']:,.0f} | "
            f"{speed['pytorch']:,.0f} ({row['engine']}) | "
            f"{speed['gantry'] / speed['pytorch']:.2f} | {share} |"
        )


def bandwidth_table(text):
    yield "| kernel | ms | GB/s | of a copy |"
    yield "|---|---|---|---|"
    line = re.compile(r"^\s+(\S.*?)\s+([\d.]+) ms\s+([\d.]+) GB/s\s+([\d.]+) of copy", re.MULTILINE)
    for name, ms, rate, share in line.findall(text):
        yield f"| {name} | {ms} | {float(rate):,.0f} | {share} |"


def profile_table(profile):
    yield (
        f"{profile['config']} at batch {profile['batch']}: {profile['ms_per_step']:.3f} ms, floor "
        f"{profile['floor_ms']:.3f} ms"
    )
    yield ""
    yield "| op | calls | ms | of the floor |"
    yield "|---|---|---|---|"
    for op in profile["ops"][:10]:
        share = 100 * op["floor_ms"] / op["ms"] if op["ms"] else 0
        yield f"| {op['name']} | {op['calls']:.0f} | {op['ms']:.3f} | {share:.0f} % |"


def parity_table(text):
    yield "| config | losses within | weights within, of their way |"
    yield "|---|---|---|"
    line = re.compile(r"^(\S+)\s+after \d+ steps: losses within (\S+), weights within (\S+)", re.M)
    for name, losses, weights in line.findall(text):
        yield f"| {name} | {losses} | {weights} |"


def report(folder):
    def log(name):
        return read_text(os.path.join(folder, name))

    device = re.search(r"cuda:0 \([^)]*\)", log("build-doctor.log"))
    yield f"## GPU: {device.group(0) if device else 'unknown'}, commit {commit()}"
    yield "`tools/gpu_check.sh all`"
    sections = (
        ("What was checked", outcome_table(read_lines(os.path.join(folder, "gpu-results.jsonl")))),
        ("CPU against GPU, 20 steps", parity_table(log("parity-configs.log"))),
        ("Against PyTorch", speed_table(read_lines(os.path.join(folder, "speed.jsonl")))),
        ("Own kernels against a copy", bandwidth_table(log("bandwidth-kernels.log"))),
    )
    for title, lines in sections:
        yield ""
        yield f"### {title}"
        yield from lines
    for path in sorted(glob.glob(os.path.join(folder, "profile-*.json"))):
        text = read_text(path)
        if text.strip():
            yield ""
            yield "### Where the time of a step goes"
            yield from profile_table(json.loads(text))


def main():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        print(__doc__, file=sys.stderr)
        return 2
    text = "\n".join(report(sys.argv[1])) + "\n"
    with open(os.path.join(sys.argv[1], "gpu-tables.md"), "w", encoding="utf-8") as file:
        file.write(text)
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
