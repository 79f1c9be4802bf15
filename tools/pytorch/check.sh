#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Traces every shipped config with a small batch and replays it in PyTorch; then the quickstart with
# each line of techniques.txt. With arguments, those configs alone.
#   tools/pytorch/check.sh [CONFIG ...]
# Environment: GANTRY (default build/gantry); PYTHON: a python3 with torch. Without PYTHON the
# system's python3 is used if it has torch, else a virtual environment is made in build/ and torch
# installed in it with pip. Where that cannot be done the check says so and exits 77 (skipped).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
gantry=${GANTRY:-$root/build/gantry}
steps=${STEPS:-3} batch=${BATCH:-4}
export PYTHONWARNINGS=ignore  # torch without numpy says so each time

has_torch() { "$1" -c 'import torch' >/dev/null 2>&1; }

skip() {
  echo "SKIPPED: the PyTorch replay did not run: $1" >&2
  exit 77
}

find_python() {
  python=${PYTHON:-python3}
  if has_torch "$python"; then return; fi
  [ -z "${PYTHON:-}" ] || skip "$PYTHON has no torch"
  local venv=$root/build/pytorch
  if ! has_torch "$venv/bin/python3"; then
    echo "installing PyTorch into $venv"
    python3 -m venv "$venv" || skip "python3 -m venv failed (package python3-venv)"
    "$venv/bin/pip" install --quiet -r "$here/requirements.txt" ||
      skip "pip could not install torch"
  fi
  python=$venv/bin/python3
}

# compare NAME CONFIG OVERRIDE...
compare() {
  local name=$1 config=$2
  shift 2
  rm -rf "${out:?}/trace"
  "$gantry" trace "$config" --steps "$steps" --out "$out/trace" "$@" >"$out/log" 2>&1 ||
    { cat "$out/log" >&2; failed+=("$name"); return; }
  "$python" "$here/replay.py" "$out/trace" || failed+=("$name")
}

small() { "$python" "$here/small.py" "$1" "$batch"; }

find_python
[ -x "$gantry" ] || { echo "check: no $gantry; build it, or set GANTRY" >&2; exit 5; }
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
failed=()
if [ $# -gt 0 ]; then configs=("$@"); else configs=("$root"/configs/{,toy/}*.json); fi
for config in "${configs[@]}"; do
  read -r -a overrides <<<"$(small "$config")"
  name=${config#"$root"/configs/}
  compare "${name%.json}" "$config" "${overrides[@]}"
done
if [ $# -eq 0 ]; then
  while read -r -a technique; do
    echo "-- ${technique[*]}"
    config=$root/configs/quickstart.json changes=("${technique[@]}")
    if [[ ${technique[0]} == @* ]]; then
      config=$root/configs/${technique[0]#@}.json changes=("${technique[@]:1}")
    fi
    read -r -a overrides <<<"$(small "$config")"
    compare "${technique[*]}" "$config" "${overrides[@]}" "${changes[@]}"
  done < <(grep -v '^#' "$here/techniques.txt")
fi
if [ ${#failed[@]} -gt 0 ]; then
  printf 'replay failed: %s\n' "${failed[@]}" >&2
  exit 1
fi
echo "all agree with PyTorch"
