#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Finds a Python with torch for check.py: every shipped config with a small batch is traced and
# replayed in PyTorch; then the quickstart with each line of techniques.txt. With arguments, those
# configs alone.
#   tools/pytorch/check.sh [CONFIG ...]
# Environment: GANTRY (default build/gantry); PYTHON: a python3 with torch. Without PYTHON the
# system's python3 is used if it has torch, else a virtual environment is made in build/ and torch
# installed in it with pip. Where that cannot be done the check says so and exits 77 (skipped).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
gantry=${GANTRY:-$root/build/gantry}
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

find_python
[ -x "$gantry" ] || { echo "check: no $gantry; build it, or set GANTRY" >&2; exit 5; }
GANTRY=$gantry "$python" "$here/check.py" "$@"
