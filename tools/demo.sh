#!/usr/bin/env bash
# From a fresh machine to digits made by a GAN: installs what the build needs, builds
# build/gantry and trains configs/quickstart.json on real MNIST digits (a few minutes, 2 cores).
set -euo pipefail
cd "$(dirname "$0")/.."

tools/packages.sh build
cuda=OFF
if nvidia-smi -L 2>/dev/null | grep -q GPU; then
  if tools/packages.sh python && tools/setup_cuda.sh; then
    cuda=ON
  else
    echo "There is a GPU, but not what the CUDA backend is built with: building for the CPU alone."
  fi
fi
echo "Building build/gantry ..."
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DGANTRY_TESTS=OFF \
  -DGANTRY_CUDA=$cuda >/dev/null
cmake --build build --target gantry

out="runs/quickstart"
if [ -e "$out" ]; then
  number=2
  while [ -e "$out-$number" ]; do number=$((number + 1)); done
  out="$out-$number"
fi
build/gantry train configs/quickstart.json --out "$out"

last=$(ls "$out"/samples/*.png | tail -n 1)
cat <<END

Digits that never existed:      $last
How they came to be:            $out/animation.webp
The whole run on one page:      $out/report.html

Try next:
  build/gantry sample $out --grid 10x10 --seed 7 --out digits.png
  build/gantry train configs/quickstart.json optimizer.g.lr=4e-4 seed=2
  build/gantry plan configs/quickstart.json
END
