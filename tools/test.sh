#!/usr/bin/env bash
# Builds Gantry with its tests and runs them all. Installs what is missing first.
# Arguments go to ctest: tools/test.sh -R conv
# GANTRY_DATA=DIR  a folder with mnist/ and cifar10/; tests that need it are skipped without it
set -euo pipefail
cd "$(dirname "$0")/.."

tools/packages.sh build test
cuda=OFF
if nvidia-smi -L 2>/dev/null | grep -q GPU; then
  if tools/packages.sh python && tools/setup_cuda.sh; then
    cuda=ON
  else
    echo "There is a GPU, but not what the CUDA backend is built with: building for the CPU alone."
  fi
fi
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DGANTRY_TESTS=ON \
  -DGANTRY_CUDA=$cuda >/dev/null
cmake --build build
[ -n "${GANTRY_DATA:-}" ] || echo "GANTRY_DATA is not set: tests on the full data sets are skipped."
ctest --test-dir build --output-on-failure -j "$(nproc)" "$@"
