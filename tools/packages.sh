#!/usr/bin/env bash
# Installs what Gantry needs from the distribution's packages (Debian 12, Ubuntu 24.04).
#   tools/packages.sh build        to build gantry
#   tools/packages.sh build test   and its tests
#   tools/packages.sh mpi          Open MPI, to train with several processes (build gantry after it)
#   tools/packages.sh slurm        Slurm's daemons, for tests/slurm
#   tools/packages.sh netns        ip, for tests/netns
#   tools/packages.sh lint         clang-format and clang-tidy
#   tools/packages.sh fuzz python  clang's runtime for fuzzing; python3 for tools/pytorch
#   tools/packages.sh cache        a compiler cache: builds that share files compile them once
# Says what it installs first; uses sudo only when not root; does nothing where all is there.
set -euo pipefail

# Debian's oneDNN looks for OpenCL when it is found by CMake. Downloads over https need the
# certificates, which libcurl only recommends.
build="g++ cmake ninja-build pkg-config libdnnl-dev ocl-icd-opencl-dev nlohmann-json3-dev libcli11-dev libpng-dev
       libwebp-dev libturbojpeg0-dev|libturbojpeg-dev libarchive-dev zlib1g-dev
       libcurl4-openssl-dev libssl-dev ca-certificates"
test="libgtest-dev"
mpi="libopenmpi-dev openmpi-bin"
slurm="slurmctld slurmd slurm-client munge"
netns="iproute2"
lint="clang-format clang-tidy git"
fuzz="clang libclang-rt-14-dev|libclang-rt-18-dev|libclang-rt-dev"
python="python3 python3-venv"
cache="ccache"

wanted=()
for group in "$@"; do
  case "$group" in
    build) wanted+=($build) ;;
    test) wanted+=($test) ;;
    mpi) wanted+=($mpi) ;;
    slurm) wanted+=($slurm) ;;
    netns) wanted+=($netns) ;;
    lint) wanted+=($lint) ;;
    fuzz) wanted+=($fuzz) ;;
    python) wanted+=($python) ;;
    cache) wanted+=($cache) ;;
    *) echo "tools/packages.sh: no group '$group'; there are build, test, mpi, slurm, netns, lint, fuzz, python, cache" >&2; exit 2 ;;
  esac
done

if ! command -v apt-get >/dev/null; then
  echo "This system has no apt-get. Install the equivalents of: ${wanted[*]}" >&2
  echo "then run the script again with GANTRY_NO_INSTALL=1." >&2
  [ "${GANTRY_NO_INSTALL:-}" = 1 ] && exit 0
  exit 5
fi
[ "${GANTRY_NO_INSTALL:-}" = 1 ] && exit 0

installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q '^install ok installed$'; }

# "a|b": whichever is there; names differ between distributions.
missing=()
for entry in "${wanted[@]}"; do
  found=""
  for name in ${entry//|/ }; do installed "$name" && found=1; done
  [ -n "$found" ] || missing+=("$entry")
done
[ ${#missing[@]} -eq 0 ] && exit 0

root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "Not root and no sudo. As root: apt-get install ${missing[*]}" >&2; exit 5; }
  root=(sudo)
fi
echo "Installing from this distribution's packages: ${missing[*]}"
"${root[@]}" apt-get -qq update
names=() unknown=()
for entry in "${missing[@]}"; do
  found=""
  for name in ${entry//|/ }; do
    if apt-cache show "$name" >/dev/null 2>&1; then found="$name"; break; fi
  done
  if [ -n "$found" ]; then names+=("$found"); else unknown+=("${entry//|/ or }"); fi
done
if [ ${#unknown[@]} -gt 0 ]; then
  echo "apt-get knows no package ${unknown[*]}. Enable the part of the archive that has it (Ubuntu:" >&2
  echo "universe), or install the equivalent and run the script again with GANTRY_NO_INSTALL=1." >&2
  exit 5
fi
"${root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get -qq install -y --no-install-recommends "${names[@]}" >/dev/null
