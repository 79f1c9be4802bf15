#!/usr/bin/env bash
# Builds the libFuzzer targets (clang, address and undefined-behaviour sanitizers) and runs each.
#   tools/fuzz.sh SECONDS [TARGET ...]
# Each starts from good files: those that tests/fuzz/seeds.cpp writes, the shipped configs, MNIST.
# Corpora are kept in build/fuzz/corpus; a finding is left there and ends the script with 1.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?usage: tools/fuzz.sh SECONDS [TARGET ...]}
shift
cmake --preset fuzz >/dev/null
if [ $# -eq 0 ]; then
  set -- tests/fuzz/*_fuzz.cpp
  set -- "${@##*/}"
  set -- "${@%.cpp}"
fi
cmake --build build/fuzz --target fuzz_seeds "$@"

seeds=build/fuzz/seeds
rm -rf "$seeds"
build/fuzz/tests/fuzz/fuzz_seeds "$seeds"
mkdir -p "$seeds/json_fuzz"
cp configs/*.json configs/toy/*.json "$seeds/json_fuzz"
cp data/mnist/t10k-labels* "$seeds/idx_fuzz"
# Every key and word of the configs, as a dictionary.
grep -oh '"[a-z_0-9]*"' configs/*.json configs/toy/*.json | sort -u |
  sed 's/^"\(.*\)"$/"\\"\1\\""/' >"$seeds/json_fuzz.dict"
cp tests/fuzz/*.dict "$seeds"

for target in "$@"; do
  corpus=build/fuzz/corpus/$target
  mkdir -p "$corpus"
  words=()
  [ -e "$seeds/$target.dict" ] && words=(-dict="$seeds/$target.dict")
  echo "$target: $seconds s, from $(find "$seeds/$target" -type f | wc -l) seeds"
  build/fuzz/tests/fuzz/"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$corpus-finding-" "${words[@]}" "$corpus" "$seeds/$target" \
    2>build/fuzz/"$target".log ||
    { tail -n 40 build/fuzz/"$target".log >&2; exit 1; }
  tail -n 1 build/fuzz/"$target".log
done
