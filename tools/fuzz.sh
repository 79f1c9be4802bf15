#!/usr/bin/env bash
# Builds the libFuzzer targets (clang, address and undefined-behaviour sanitizers) and runs each.
#   tools/fuzz.sh SECONDS [TARGET ...]
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
cmake --build build/fuzz --target "$@"
for target in "$@"; do
  corpus=build/fuzz/corpus/$target
  mkdir -p "$corpus"
  echo "$target: $seconds s"
  build/fuzz/tests/fuzz/"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$corpus-finding-" "$corpus" 2>build/fuzz/"$target".log ||
    { tail -n 40 build/fuzz/"$target".log >&2; exit 1; }
  tail -n 1 build/fuzz/"$target".log
done
