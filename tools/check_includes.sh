#!/usr/bin/env bash
# The arrows between folders: tools -> train -> models -> kernels (ops) -> core. Nobody above
# kernels/ includes kernels/cpu, kernels/cuda, kernels/mpi, kernels/nccl or their stubs; only
# kernels/backends.cpp among the rest of kernels/ does.
set -euo pipefail
cd "$(dirname "$0")/.."

bad=0
# forbid FOLDER PATTERN REASON
forbid() {
  local hits
  hits=$(grep -rnE "^#include \"$2" "$1" --include='*.h' --include='*.cpp' --include='*.cu' \
    --include='*.cuh' || true)
  [ -n "${4:-}" ] && hits=$(printf '%s\n' "$hits" | grep -vE "$4" || true)
  if [ -n "$hits" ]; then
    printf '%s\n%s\n' "$3" "$hits" >&2
    bad=1
  fi
}
forbid core '(kernels|models|train|tools|tests)/' 'core/ may include core/ alone:'
forbid kernels '(models|train|tools|tests)/' 'kernels/ may include core/ and kernels/ alone:'
forbid models '(train|tools|tests)/' 'models/ may not include what stands on it:'
forbid train '(tools|tests)/' 'train/ may not include what stands on it:'
forbid tools 'tests/' 'tools/ may not include tests/:'
for folder in models train tools; do
  forbid "$folder" 'kernels/(cpu|cuda|cuda_stub|mpi|mpi_stub|nccl|nccl_stub)/' 'backends are known to kernels/backends.cpp alone:'
done
forbid kernels 'kernels/(cpu|cuda|cuda_stub|mpi|mpi_stub|nccl|nccl_stub)/' 'backends are known to kernels/backends.cpp alone:' \
  '^kernels/(cpu|cuda|cuda_stub|mpi|mpi_stub|nccl|nccl_stub)/|^kernels/backends\.cpp:'
if grep -rnE '^#if' core models train tools --include='*.cpp' --include='*.h' \
  | grep -vE 'core/philox\.h'; then
  echo 'no #if above kernels/: choose at link time (see kernels/CMakeLists.txt)' >&2
  bad=1
fi
exit $bad
