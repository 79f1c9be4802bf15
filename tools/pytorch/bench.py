#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times the networks and the training step of a config in PyTorch, in its best modes on a CPU.

    bench.py CONFIG [key=value ...] [--threads N] [--precision fp32,bf16] [--json FILE]

channels_last throughout. Every mode runs in a process of its own, so that memory and start are
its own: eager and compiled; without and with D's weight gradients in G's update; fp32 and bf16
autocast. Reports the median step, peak resident memory, and the time from process start to the end
of the first step.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time


def run_one(args):
    """In the child: one mode, a JSON line on stdout."""
    import torch

    from gantry_torch import config
    from gantry_torch.training import Training

    engine, grads, precision = args.one.split(",")
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    run = config.load(args.config, args.overrides)
    training = Training(run, engine == "compile", grads == "frozen", precision == "bf16")
    training.step()
    first = time.time()
    for _ in range(args.warmup - 1):
        training.step()
    times = []
    for _ in range(args.steps):
        begin = time.perf_counter()
        training.step()
        times.append(time.perf_counter() - begin)
    seconds = statistics.median(times)
    result = {
        "engine": engine,
        "d_weight_grads_in_g_step": grads != "frozen",
        "precision": precision,
        "ms_per_step": seconds * 1e3,
        "fastest_ms": min(times) * 1e3,
        "images_per_second": training.batch / seconds,
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "first_step_at": first,
        "batch": training.batch,
        "pytorch": torch.__version__,
    }
    print(json.dumps(result))


def spawn(args, mode):
    command = [sys.executable, os.path.abspath(__file__), args.config, *args.overrides]
    command += ["--one", ",".join(mode), "--threads", str(args.threads)]
    command += ["--steps", str(args.steps), "--warmup", str(args.warmup)]
    begin = time.time()
    child = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if child.returncode != 0:
        print(f"{mode}: failed: {child.stderr.decode()[-400:]}", file=sys.stderr)
        return None
    result = json.loads(child.stdout.decode().splitlines()[-1])
    result["start_to_first_step_s"] = result.pop("first_step_at") - begin
    return result


def show(result):
    grads = "with" if result["d_weight_grads_in_g_step"] else "without"
    print(
        f"{result['engine']:8} {result['precision']} {grads:7} D's weight gradients: "
        f"{result['ms_per_step']:8.1f} ms  {result['images_per_second']:7.0f} images/s  "
        f"{result['peak_rss_bytes'] / 2**20:6.0f} MiB  "
        f"first step after {result['start_to_first_step_s']:.1f} s",
        flush=True,
    )


def best_of(results):
    best = {}
    for result in results:
        precision = result["precision"]
        if precision not in best or result["ms_per_step"] < best[precision]["ms_per_step"]:
            best[precision] = result
    return best


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("config")
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--warmup", type=int, default=4)
    parser.add_argument("--engine", default="eager,compile")
    parser.add_argument("--d-grads", default="frozen,kept", help="frozen, kept or both")
    parser.add_argument("--precision", default="fp32,bf16")
    parser.add_argument("--json", help="file for the results")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_intermixed_args()


def main():
    args = parse()
    if args.one:
        run_one(args)
        return 0
    results = []
    for precision in args.precision.split(","):
        for engine in args.engine.split(","):
            for grads in args.d_grads.split(","):
                result = spawn(args, (engine, grads, precision))
                if result:
                    results.append(result)
                    show(result)
    if not results:
        return 1
    if args.json:
        summary = {"config": args.config, "threads": args.threads}
        summary.update(best=best_of(results), modes=results)
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(summary, file, indent=1)
            file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
