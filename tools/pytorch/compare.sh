#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Times Gantry and PyTorch on the same networks and step, alternating, in one run.
#   tools/pytorch/compare.sh CONFIG [CONFIG ...] [-- key=value ...]
# Environment: GANTRY (default build/gantry), PYTHON (python3), ROUNDS (3), THREADS (all),
# STEPS (12), PRECISION (fp32). PyTorch's best mode is found first; the rounds then use that one.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
gantry=${GANTRY:-$here/../../build/gantry}
python=${PYTHON:-python3}
rounds=${ROUNDS:-3} threads=${THREADS:-$(nproc)} steps=${STEPS:-12} precision=${PRECISION:-fp32}

configs=() overrides=()
while [ $# -gt 0 ]; do
  if [ "$1" = -- ]; then shift; overrides=("$@"); break; fi
  configs+=("$1")
  shift
done
if [ ${#configs[@]} -eq 0 ]; then
  sed -n '3,6s/^# \{0,1\}//p' "$0"
  exit 2
fi
"$python" -c 'import torch' 2>/dev/null || { echo "compare: $python has no torch" >&2; exit 5; }
[ -x "$gantry" ] || { echo "compare: no $gantry; build it, or set GANTRY" >&2; exit 5; }

out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
for config in "${configs[@]}"; do
  rm -f "$out"/*.json
  echo "== $(basename "$config" .json)"
  "$python" "$here/bench.py" "$config" ${overrides[@]+"${overrides[@]}"} --threads "$threads" \
    --steps "$steps" --precision "$precision" --json "$out/modes.json"
  best=$("$python" "$here/compare.py" best "$out/modes.json" "$precision")
  read -r engine grads <<<"$best"
  for round in $(seq "$rounds"); do
    "$gantry" bench "$config" "threads=$threads" ${overrides[@]+"${overrides[@]}"} --json \
      >"$out/gantry-$round.json"
    "$python" "$here/bench.py" "$config" ${overrides[@]+"${overrides[@]}"} --threads "$threads" \
      --steps "$steps" --precision "$precision" --engine "$engine" --d-grads "$grads" \
      --json "$out/pytorch-$round.json" >/dev/null
  done
  "$python" "$here/compare.py" table "$out"
done
