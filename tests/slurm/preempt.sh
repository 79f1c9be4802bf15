#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Under a real Slurm on this machine: tools/cluster/train.sbatch is preempted by a job of higher
# priority, queues itself again, goes on, and ends with the bytes of a run that nothing disturbed.
#   tests/slurm/preempt.sh [GANTRY]   (default build/gantry; built with MPI)
# Exit code 77 where Slurm cannot be started: slurmctld, slurmd, munge and root are needed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
GANTRY=$(realpath "${1:-$here/../../build/gantry}")
export GANTRY
skip() { echo "SKIPPED: Slurm was not tried: $1" >&2; exit 77; }
for program in slurmctld slurmd munged srun sbatch mpirun; do
  command -v $program >/dev/null || skip "no $program (tools/packages.sh slurm mpi)"
done
[ "$(id -u)" -eq 0 ] || skip "its daemons need root"

folder=$(mktemp -d)
daemons=()
source "$here/cluster.sh"
trap 'stop_cluster; rm -rf "$folder"' EXIT
start_cluster || skip "the daemons did not come up"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

# Long enough, however fast the machine, to be preempted half-way.
seconds=30
write_config() {  # STEPS
  cat >"$folder/tiny.json" <<END
{"name": "tiny", "seed": 3,
 "data": {"source": "glyphs", "samples": 256, "size": [8, 8]},
 "latent": {"size": 12},
 "generator": {"layers": [{"type": "dense", "units": 64}, {"type": "relu"},
   {"type": "dense", "units": 64}, {"type": "reshape", "shape": [1, 8, 8]}, {"type": "tanh"}]},
 "discriminator": {"layers": [
   {"type": "conv", "channels": 8, "kernel": 4, "stride": 2, "padding": 1}, {"type": "leaky_relu"},
   {"type": "flatten"}, {"type": "dense", "units": 1}]},
 "optimizer": {"g": {"lr": 2e-4}, "d": {"lr": 2e-4}},
 "train": {"steps": $1, "batch": 32, "checkpoint_every": 100, "log_every": 100,
           "sample_every": $1},
 "output": {"animation": false}, "distributed": {"virtual_ranks": 2}, "threads": 1}
END
}
whole() {
  "$GANTRY" train "$folder/tiny.json" --out "$folder/$1" >"$folder/$1.out" 2>&1 ||
    fail "the undisturbed run failed"
}
state() { cat "$folder/$1/checkpoints/$last/state.safetensors"; }
fail() {
  echo "$1" >&2
  cat "$folder"/*.out >&2
  exit 1
}
wait_for() {  # SECONDS COMMAND ...
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || fail "in vain: $*"
    sleep 0.2
  done
}
saved() { compgen -G "$folder/preempted/checkpoints/step-*" >/dev/null; }
job() { scontrol show job "$1" | grep -q "$2"; }

# A step without PMIx.
srun --partition=low --mpi=none -n 2 "$GANTRY" doctor --cluster "$folder" >"$folder/step.out" 2>&1 ||
  fail "ranks did not meet without MPI"
grep -q "TCP, 2 ranks, started by Slurm" "$folder/step.out" || fail "ranks were not joined by TCP"

write_config 2000
began=${EPOCHREALTIME/./}
whole measured
taken_ms=$(((${EPOCHREALTIME/./} - began) / 1000))
steps=$((2000 * seconds * 1000 / taken_ms / 100 * 100))
last=$(printf 'step-%08d' "$steps")
write_config "$steps"

low=$(sbatch --parsable --partition=low --output="$folder/low.out" \
  "$here/../../tools/cluster/train.sbatch" "$folder/tiny.json" "$folder/preempted")
wait_for 60 saved
high=$(sbatch --parsable --partition=high --exclusive --output="$folder/high.out" --wrap="sleep 2")
wait_for 60 job "$high" JobState=COMPLETED
wait_for 200 job "$low" JobState=COMPLETED
job "$low" "Restarts=[1-9]" || fail "job $low was not preempted"
grep -q "resume .*after step" "$folder/low.out" || fail "the job did not go on"

whole undisturbed
cmp <(state undisturbed) <(state preempted) || fail "other bytes than without preemption"
echo "preempted, queued again, gone on: the same bytes after $steps steps"
