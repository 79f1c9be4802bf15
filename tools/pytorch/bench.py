#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times the networks and the training step of a config in PyTorch, in its best modes.

    bench.py CONFIG [key=value ...] [--device cpu|cuda] [--precision fp32,bf16] [--json FILE]

Gantry (the environment's GANTRY, or build/gantry) says what the config leaves out. channels_last throughout, fused optimizers. Every mode runs in a process of its own, so that memory
and start are its own: eager, compiled and, on a GPU, the whole step captured as one CUDA graph
without and with compilation; without and with D's weight gradients in G's update; fp32, bf16
autocast and, on a GPU, TF32 and fp16 with scaled losses. Reports the median step, peak memory (of
the process on a CPU, of the device on a GPU), and the time from process start to the end of the
first step.
"""

import argparse
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

GANTRY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/gantry")


def run_one(args):
    """In the child: one mode, a JSON line on stdout."""
    import torch

    from gantry_torch import config
    from gantry_torch.training import Training, set_matmul_precision

    engine, grads, precision = args.one.split(",")
    on_gpu = args.device == "cuda"
    wait = torch.cuda.synchronize if on_gpu else lambda: None
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    set_matmul_precision(precision)
    training = Training(
        config.load(args.config),
        compiled="compile" in engine,
        freeze=grads == "frozen",
        precision=precision,
        device=args.device,
        captured="graph" in engine,
    )
    training.step()
    wait()
    first = time.time()
    for _ in range(args.warmup - 1):
        training.step()
    wait()
    times = []
    for _ in range(max(1, args.steps // args.sync_every)):
        begin = time.perf_counter()
        for _ in range(args.sync_every):
            training.step()
        wait()
        times.append((time.perf_counter() - begin) / args.sync_every)
    seconds = statistics.median(times)
    result = {
        "engine": engine,
        "d_weight_grads_in_g_step": grads != "frozen",
        "precision": precision,
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "ms_per_step": seconds * 1e3,
        "fastest_ms": min(times) * 1e3,
        # Real ones, as `gantry bench` counts them: every update of D reads a batch.
        "images_per_second": training.batch * training.d_steps / seconds,
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "device_bytes": device_bytes(torch) if on_gpu else 0,
        "first_step_at": first,
        "batch": training.batch,
        "pytorch": torch.__version__,
    }
    print(json.dumps(result))


def device_bytes(torch):
    """What is taken of the GPU's memory, by whatever runs on it: context, cache and all."""
    free, total = torch.cuda.mem_get_info()
    return total - free


def spawn(args, resolved, mode):
    command = [sys.executable, os.path.abspath(__file__), resolved]
    command += ["--one", ",".join(mode), "--threads", str(args.threads)]
    command += ["--steps", str(args.steps), "--warmup", str(args.warmup)]
    command += ["--device", args.device, "--sync-every", str(args.sync_every)]
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
        f"{result['engine']:13} {result['precision']} {grads:7} D's weight gradients: "
        f"{result['ms_per_step']:8.2f} ms  {result['images_per_second']:8.0f} images/s  "
        f"{(result['device_bytes'] or result['peak_rss_bytes']) / 2**20:6.0f} MiB  "
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
    parser.add_argument("--sync-every", type=int, default=1, help="steps between waits for a GPU")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--engine", help="of eager, compile, graph, compile_graph; all there are")
    parser.add_argument("--d-grads", default="frozen,kept", help="frozen, kept or both")
    parser.add_argument("--precision", help="of fp32, tf32, bf16, fp16; all that the device has")
    parser.add_argument("--budget", type=float, default=0, help="seconds; then no more modes")
    parser.add_argument("--json", help="file for the results")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_intermixed_args()
    on_gpu = args.device == "cuda"
    args.engine = args.engine or ("eager,graph,compile,compile_graph" if on_gpu else "eager,compile")
    args.precision = args.precision or ("fp32,tf32,bf16,fp16" if on_gpu else "fp32,bf16")
    return args


def run_modes(args, resolved):
    results, longest, start = [], 0, time.time()
    for mode in itertools.product(
        args.engine.split(","), args.d_grads.split(","), args.precision.split(",")
    ):
        begin = time.time()
        if args.budget and begin + longest > start + args.budget:
            print(f"{mode}: left out: no time", file=sys.stderr)
            continue
        result = spawn(args, resolved, mode)
        longest = max(longest, time.time() - begin)
        if result:
            results.append(result)
            show(result)
    return results


def main():
    args = parse()
    if args.one:
        run_one(args)
        return 0
    from gantry_torch import config

    gantry = os.environ.get("GANTRY", GANTRY)
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as resolved:
        resolved.write(config.resolve(gantry, args.config, args.overrides))
        resolved.flush()
        results = run_modes(args, resolved.name)
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
