#!/usr/bin/env bash
# Data, prefetch, trainer and planner tests under the thread sanitizer. libgomp's barriers are not
# instrumented and would be taken for races, so the CPU backend runs these on one thread.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset tsan >/dev/null
cmake --build build/tsan --target core_tests train_tests
export GANTRY_TEST_THREADS=1
build/tsan/tests/core/core_tests --gtest_brief=1 --gtest_filter='Planner*:Program*:Replay*:Log*'
build/tsan/tests/train/train_tests --gtest_brief=1 --gtest_filter='*Prefetch*:*Purity*:Training.*'
