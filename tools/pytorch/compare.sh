#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Times Gantry and PyTorch on the same networks and step, alternating, in one run.
#   tools/pytorch/compare.sh CONFIG [CONFIG ...] [-- key=value ...]
# Environment: GANTRY (default build/gantry), PYTHON (python3), ROUNDS (3), THREADS (all),
# STEPS (12), PRECISION (fp32), DEVICE (cpu; or cuda), SYNC_EVERY (1: steps between waits for the
# device), ENGINES and GRADS (modes of PyTorch, see bench.py; all), BUDGET (seconds for finding the
# best of them; no limit), KEEP (a file to which each comparison is added as a line of JSON),
# GANTRY_ONLY (key=value words for Gantry alone). PyTorch's best mode is found first; the rounds then
# use that one.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
gantry=${GANTRY:-$here/../../build/gantry}
python=${PYTHON:-python3}
rounds=${ROUNDS:-3} threads=${THREADS:-$(nproc)} steps=${STEPS:-12} precision=${PRECISION:-fp32}
device=${DEVICE:-cpu} sync_every=${SYNC_EVERY:-1}
read -r -a gantry_only <<<"${GANTRY_ONLY:-}"

configs=() overrides=()
while [ $# -gt 0 ]; do
  if [ "$1" = -- ]; then shift; overrides=("$@"); break; fi
  configs+=("$1")
  shift
done
if [ ${#configs[@]} -eq 0 ]; then
  sed -n '3,10s/^# \{0,1\}//p' "$0"
  exit 2
fi
"$python" -c 'import torch' 2>/dev/null || { echo "compare: $python has no torch" >&2; exit 5; }
[ -x "$gantry" ] || { echo "compare: no $gantry; build it, or set GANTRY" >&2; exit 5; }

bench() {  # CONFIG [option ...]
  local config=$1
  shift
  GANTRY=$gantry "$python" "$here/bench.py" "$config" ${overrides[@]+"${overrides[@]}"} --threads "$threads" \
    --steps "$steps" --precision "$precision" --device "$device" --sync-every "$sync_every" "$@"
}

out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
for config in "${configs[@]}"; do
  rm -f "$out"/*.json
  echo "== $(basename "$config" .json) ${overrides[*]-} $precision"
  bench "$config" ${ENGINES:+--engine "$ENGINES"} ${GRADS:+--d-grads "$GRADS"} \
    ${BUDGET:+--budget "$BUDGET"} --json "$out/modes.json"
  best=$("$python" "$here/compare.py" best "$out/modes.json" "$precision")
  read -r engine grads <<<"$best"
  for round in $(seq "$rounds"); do
    "$gantry" bench "$config" "threads=$threads" "backend=$device" \
      ${overrides[@]+"${overrides[@]}"} ${gantry_only[@]+"${gantry_only[@]}"} \
      --steps "$steps" --sync-every "$sync_every" --json >"$out/gantry-$round.json"
    bench "$config" --engine "$engine" --d-grads "$grads" \
      --json "$out/pytorch-$round.json" >/dev/null
  done
  "$python" "$here/compare.py" table "$out"
  [ -z "${KEEP:-}" ] || "$python" "$here/compare.py" keep "$out" "$KEEP" "$(basename "$config" .json)"
done
