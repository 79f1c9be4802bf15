#!/usr/bin/env bash
# Puts what the CUDA backend needs to be built, and this machine lacks, under third_party/cuda:
#   the headers of cudnn-frontend, always;
#   cuDNN 9 and NCCL, where there is none;
#   nvcc and the CUDA libraries, where there is no toolkit (about 2 GB).
# All of it from PyPI's packages of NVIDIA, through pip. Nothing outside the folder is touched.
#   tools/setup_cuda.sh            what is missing
#   tools/setup_cuda.sh toolkit    the whole toolkit, whatever is installed
set -euo pipefail
cd "$(dirname "$0")/.."
place="$PWD/third_party/cuda"
want="${1:-missing}"
case "$want" in
  missing | toolkit) ;;
  *) echo "tools/setup_cuda.sh: '$want'? Say nothing, or toolkit." >&2; exit 2 ;;
esac

# The versions that continuous integration builds with.
frontend="nvidia-cudnn-frontend==1.32.0"
cudnn="nvidia-cudnn-cu13==9.24.0.43"
nccl="nvidia-nccl-cu13==2.28.9"
toolkit="nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-nvvm==13.0.88
         nvidia-cuda-runtime==13.0.96 nvidia-cuda-cccl==13.0.85 nvidia-cuda-nvrtc==13.0.88
         nvidia-cublas==13.1.1.3 nvidia-nvtx==13.0.85 nvidia-cuda-profiler-api==13.0.85"

have_nvcc() { command -v nvcc >/dev/null || [ -x "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" ]; }
# have HEADER: beside nvcc, or where the distribution's packages put it.
have() {
  local nvcc root
  nvcc=$(command -v nvcc || echo "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc")
  root=$(dirname "$(dirname "$(readlink -f "$nvcc")")")
  local header
  for header in "$root/include/$1" /usr/include{,/*}/"$1"; do
    if [ -e "$header" ]; then return 0; fi
  done
  return 1
}

wanted=("$frontend")
if [ "$want" = toolkit ] || ! have_nvcc; then
  wanted+=($toolkit "$cudnn" "$nccl")
else
  have cudnn_version.h || wanted+=("$cudnn")
  have nccl.h || wanted+=("$nccl")
fi

stamp="$place/installed"
list=$(printf '%s\n' "${wanted[@]}")
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$list" ] && exit 0

command -v python3 >/dev/null || { echo "tools/setup_cuda.sh needs python3 with pip." >&2; exit 5; }
echo "Getting from PyPI into third_party/cuda: ${wanted[*]}"
rm -rf "$place"
mkdir -p "$place"
python3 -m venv "$place/pip" 2>/dev/null || { echo "python3 has no venv; install python3-venv." >&2; exit 5; }
# Wheels are only unpacked, whatever Python they were made for.
"$place/pip/bin/pip" install -q --disable-pip-version-check --no-compile --no-deps \
  --target "$place/wheels" "${wanted[@]}"
rm -rf "$place/pip"

ln -s wheels/include "$place/include"
for library in cudnn nccl; do
  [ ! -d "$place/wheels/nvidia/$library" ] || ln -s "wheels/nvidia/$library" "$place/$library"
done
if [ -d "$place/wheels/nvidia/cu13/bin" ]; then
  ln -s wheels/nvidia/cu13 "$place/toolkit"
  ln -s lib "$place/toolkit/lib64"
fi
# Wheels hold libname.so.13 alone; the linker looks for libname.so.
for library in "$place"/wheels/nvidia/*/lib/lib*.so.*; do
  [ -e "$library" ] || continue
  plain="${library%%.so.*}.so"
  [ -e "$plain" ] || ln -s "$(basename "$library")" "$plain"
done
printf '%s' "$list" >"$stamp"
