#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Gathers, on a machine with a network, what tools/gpu_check.sh may lack on one that has a GPU and
# none: packages of this distribution (the same as the other's, or older) with the libraries that they
# need, to be unpacked and not installed; cudnn-frontend's headers; of the data, what is trained on.
#   tools/gpu_prepare.sh FOLDER [DATA]    DATA holds mnist/ and cifar10/*.zip
# Then, there: tools/gpu_check.sh --packages FOLDER --data FOLDER/data STAGE ...
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -eq 1 ] || [ $# -eq 2 ] || { sed -n '3,7s/^# \{0,1\}//p' "$0"; exit 2; }
command -v apt-cache >/dev/null || { echo "gpu_prepare: no apt here" >&2; exit 5; }
folder=$1 data=${2:-}

# What tools/packages.sh installs for build and test, the first name of "a|b".
read -r -d '' -a wanted < <(sed -n 's/|[a-z0-9-]*//g; /^build="/,/"$/p; /^test="/p' \
  tools/packages.sh | tr -d '"' | sed 's/^[a-z]*=//') || true

# Every machine with a C++ compiler has these.
common='^(gcc|g\+\+|cpp|libc6|libc-|libc\+\+|libgcc|libstdc|libgomp|libasan|libubsan|liblsan|libtsan'
common+='|libitm|libquadmath|libatomic|libcc1|binutils|libbinutils|libctf|libgprofng|cmake|ninja'
common+='|pkg|perl|libperl|python|libpython|dpkg|debconf|install-info|tzdata|linux-|rpcsvc|libmpc'
common+='|libmpfr|libgmp|libisl|libjansson|manpages|ocl-icd-libopencl1$|tar$|procps|libdb5|libtinfo'
common+='|libncurses|libsystemd|libproc2|debianutils|sensible|ucf)'
mapfile -t names < <(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts \
  --no-breaks --no-replaces --no-enhances "${wanted[@]}" | grep '^[a-z0-9]' | sed 's/:.*//' | sort -u |
  grep -Ev "$common")
available=()
for name in "${names[@]}"; do
  apt-cache show "$name" >/dev/null 2>&1 && available+=("$name")
done
mkdir -p "$folder/include"
(cd "$folder" && apt-get download -qq "${available[@]}")
tools/setup_cuda.sh
cp -r third_party/cuda/include/. "$folder/include/"

if [ -n "$data" ]; then
  # Of CIFAR-10, the one class that is needed: the whole set may be too large to travel.
  mkdir -p "$folder/data"
  cp -rL --no-preserve=mode "$data/mnist" "$folder/data/"
  python3 tools/pick_class.py "$data/cifar10" frog "$folder/data/frogs.zip"
fi
du -sh "$folder"
