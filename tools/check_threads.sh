#!/usr/bin/env bash
# Data, prefetch, trainer, planner and ranks under the thread sanitizer: their tests, and a run of
# the binary from its first step to its report, resumed once. libgomp's barriers are not instrumented
# and would be taken for races, so the CPU backend runs these on one thread.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset tsan >/dev/null
cmake --build build/tsan --target core_tests train_tests rank_tests gantry
export GANTRY_TEST_THREADS=1 OMP_NUM_THREADS=1
# Ranks that are threads share what oneDNN keeps of its primitives, by ways that are not instrumented.
export ONEDNN_PRIMITIVE_CACHE_CAPACITY=0 TSAN_OPTIONS="suppressions=$PWD/tools/threads.supp"

# run PROGRAM SUITE ...: the tests of these suites, each of which has some.
run() {
  local program="$1" suite tests
  shift
  for suite in "$@"; do
    tests=$("$program" --gtest_list_tests --gtest_filter="$suite.*")
    grep -q '^  ' <<<"$tests" ||
      { echo "tools/check_threads.sh: $program has no suite $suite" >&2; exit 1; }
  done
  local filter
  filter=$(printf '%s.*:' "$@")
  timeout 900 "$program" --gtest_brief=1 --gtest_filter="$filter"
}
run build/tsan/tests/core/core_tests Planner Program Replay Log Progress HostParallel
run build/tsan/tests/train/train_tests Prefetcher DataSource Fetch Augment Shuffle BadImages \
  Synthetic '*/BadInputs' Training MetricsLog RunDirTest CheckpointTest
run build/tsan/tests/ranks/rank_tests AllReduce ThreadCommunicator SocketCommunicator \
  Rendezvous ComparedOperations Ranks

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
timeout 300 build/tsan/gantry train configs/quickstart.json threads=1 data.prefetch_threads=2 train.steps=6 \
  train.batch=8 train.log_every=2 train.sample_every=3 train.checkpoint_every=2 --out "$folder/run"
timeout 300 build/tsan/gantry resume "$folder/run" train.steps=8
