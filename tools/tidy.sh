#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy with the checks of .clang-tidy over the product's sources; fails on any finding. It reads
# the unity sources of a build, so that what many files include is looked at once.
#   tools/tidy.sh [PATTERN]     only translation units whose path holds PATTERN
set -euo pipefail
cd "$(dirname "$0")/.."
cmake -S . -B build/tidy -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
  -DGANTRY_TESTS=OFF -DGANTRY_CUDA=OFF >/dev/null
sources=$(sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' build/tidy/compile_commands.json | grep -e "${1:-}")
xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p build/tidy --checks=-bugprone-suspicious-include \
  <<<"$sources" 2> >(grep -v ' warnings generated\.$' >&2)
