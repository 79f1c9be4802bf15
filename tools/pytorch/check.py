#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Traces configs with a small batch and replays them in PyTorch, all in one process.

    check.py [CONFIG ...]    all shipped configs and every line of techniques.txt, or these configs

check.sh finds a Python for it. Environment: GANTRY (default build/gantry), STEPS (3), BATCH (4).
"""

import concurrent.futures
import glob
import os
import shutil
import subprocess
import sys
import tempfile

import replay
import small

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CONFIGS = os.path.join(ROOT, "configs")
GANTRY = os.environ.get("GANTRY", os.path.join(ROOT, "build", "gantry"))
STEPS = os.environ.get("STEPS", "3")
BATCH = int(os.environ.get("BATCH", "4"))


def shipped():
    """(name, config, changes) of every shipped config."""
    for pattern in ("*.json", "toy/*.json"):
        for path in sorted(glob.glob(os.path.join(CONFIGS, pattern))):
            yield os.path.relpath(path, CONFIGS)[: -len(".json")], path, []


def techniques():
    """The same of every line of techniques.txt."""
    with open(os.path.join(HERE, "techniques.txt"), encoding="utf-8") as file:
        for line in file:
            changes = line.split()
            if not changes or line.startswith("#"):
                continue
            name = "quickstart"
            if changes[0].startswith("@"):
                name = changes.pop(0)[1:]
            yield line.strip(), os.path.join(CONFIGS, name + ".json"), changes


def trace(folder, case):
    """Where the trace of a case lies; raises RuntimeError with what gantry said."""
    _, config, changes = case
    out = tempfile.mkdtemp(dir=folder)
    overrides = [f"{key}={value}" for key, value in small.overrides(config, BATCH).items()]
    command = [GANTRY, "trace", config, "--steps", STEPS, "--out", os.path.join(out, "trace")]
    run = subprocess.run(
        command + overrides + changes, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if run.returncode != 0:
        raise RuntimeError(f"gantry trace: exit {run.returncode}\n{run.stdout}")
    return os.path.join(out, "trace")


def agrees(name, traced):
    print(f"-- {name}")
    try:
        folder = traced.result()
        try:
            return replay.replay(folder)
        finally:
            shutil.rmtree(os.path.dirname(folder))
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        print(f"check: {type(error).__name__}: {error}", file=sys.stderr)
        return False


def main():
    cases = [(path, path, []) for path in sys.argv[1:]] or [*shipped(), *techniques()]
    failed = []
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(1) as pool:
        ahead = []  # one is traced while the one before is replayed
        for i in range(len(cases)):
            while len(ahead) < min(i + 2, len(cases)):
                ahead.append(pool.submit(trace, folder, cases[len(ahead)]))
            if not agrees(cases[i][0], ahead[i]):
                failed.append(cases[i][0])
            sys.stdout.flush()
    for name in failed:
        print(f"replay failed: {name}", file=sys.stderr)
    print(f"{len(cases) - len(failed)} of {len(cases)} agree with PyTorch")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
