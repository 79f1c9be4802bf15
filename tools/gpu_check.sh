#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Proves and measures the CUDA backend on a machine with a GPU, nvcc and PyTorch; it may be without
# a network. Each stage takes less than ten minutes and can be run by itself, in this order:
#   build       configure, compile, doctor
#   suite       all tests, the CUDA kernels in every op test
#   parity      20 steps of every shipped config, CPU against GPU; replayed = queued; the same bytes resumed,
#               with several steps to a launch, with data read by the host
#   ranks       NCCL of one rank inside the graph = none; with more GPUs: doctor's all-reduce, the same
#               bytes on one and two in exact mode and twice on two, images per second
#   sanitize    compute-sanitizer memcheck, racecheck, initcheck, synccheck over the kernel tests and
#               a training step with every buffer apart; one tool: sanitize-memcheck, ...
#   bandwidth   own kernels against a measured copy; where the time of a step goes
#   speed       the step against PyTorch, interleaved; one size: speed-64, speed-128, speed-512,
#               speed-2048 (64x64 DCGAN), speed-28 (28x28, batch 128)
#   train       keras-mnist-gan, keras-cifar-frogs, mnist-dcgan in full; one: train-mnist-dcgan, ...
#               Continues where an earlier call ran out of time
#   tables      docs/benchmarks.md's tables from what the stages found
#   all         every stage
# Usage: tools/gpu_check.sh [options] STAGE ...
#   --out DIR       results (gpu-results.jsonl, gpu-tables.md, logs, grids); default build/gpu-check
#   --build DIR     build folder; default build/gpu
#   --packages DIR  what tools/gpu_prepare.sh gathered; used without installing anything
#   --data DIR      folder with mnist/ and cifar10/ or frogs.zip, for the stage train
#   --python EXE    a Python with PyTorch; default python3
#   --limit S       seconds that one stage may take; default 570
#   --dry-run       print what would be run, and run nothing
# Exit status: 0 all that is built passed; 1 something failed, all else was still run; 2 usage; 5 no GPU.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2

out=build/gpu-check build=build/gpu packages="" data="" python=python3 limit=570 dry=""
stages=()

usage() { sed -n '3,/^set -uo/p' "$0" | sed '$d; s/^# \{0,1\}//'; }
die() { echo "gpu_check: $2" >&2; exit "$1"; }

while [ $# -gt 0 ]; do
  case "$1" in
    --dry-run) dry=1 ;;
    --help | -h) usage; exit 0 ;;
    --out | --build | --packages | --data | --python | --limit)
      [ $# -gt 1 ] || die 2 "$1 needs a value"
      declare "${1#--}=$2"
      shift ;;
    -*) die 2 "no option $1; tools/gpu_check.sh --help" ;;
    *) stages+=("$1") ;;
  esac
  shift
done
[ ${#stages[@]} -gt 0 ] || { usage; exit 2; }
[[ $limit =~ ^[1-9][0-9]*$ ]] || die 2 "--limit $limit: give seconds"

results="$out/gpu-results.jsonl"
gantry="$build/gantry"
failures=0 missing=0 started=0

# Everything that does something goes through here, so that --dry-run shows it all.
run() {
  if [ -n "$dry" ]; then
    printf '  +'
    printf ' %q' "$@"
    printf '\n'
    return 0
  fi
  "$@"
}

left() { echo $((limit - SECONDS + started)); }

# record STAGE NAME PASSED SECONDS [JSON]: one line of the results.
record() {
  [ -z "$dry" ] || return 0
  printf '{"stage": "%s", "name": "%s", "passed": %s, "seconds": %s, "found": %s}\n' \
    "$1" "$2" "$3" "$4" "${5:-null}" >>"$results"
}

# step STAGE NAME COMMAND...: runs it within what is left of the stage, keeps its log, records how
# it ended and goes on.
step() {
  local stage=$1 name=$2 begin=$SECONDS log status=0
  shift 2
  log="$out/$stage-$name.log"
  echo "-- $stage: $name"
  if [ -n "$dry" ]; then run "$@"; return 0; fi
  if [ "$(left)" -lt 5 ]; then
    echo "   no time left: run this stage again by itself" >&2
    record "$stage" "$name" false 0 '"no time left"'
    failures=$((failures + 1))
    return 1
  fi
  timeout --kill-after=10 "$(left)" "$@" >"$log" 2>&1 || status=$?
  if [ "$status" -eq 0 ]; then
    record "$stage" "$name" true $((SECONDS - begin))
  else
    tail -n 25 "$log"
    echo "   FAILED with $status after $((SECONDS - begin)) s, $log" >&2
    record "$stage" "$name" false $((SECONDS - begin)) "\"exit status $status\""
    failures=$((failures + 1))
  fi
  return "$status"
}

# left_out STAGE NAME WHY: what cannot be done here. No failure, and not passed either.
left_out() {
  echo "-- $1: $2: $3"
  record "$1" "$2" null 0 "\"$3\""
  missing=$((missing + 1))
}

# Libraries that are not installed here, from their packages. A run path, not LD_LIBRARY_PATH: the
# machine's own programs shall go on with the machine's own libraries.
build_options=()
use_packages() {
  [ -n "$packages" ] || return 0
  local root="$out/sysroot" triple package
  triple=$(gcc -dumpmachine)
  if [ ! -d "$root/usr" ]; then
    for package in "$packages"/*.deb; do run dpkg-deb -x "$package" "$root"; done
  fi
  root=$(realpath -m "$root")
  local places="$root/usr/lib/$triple:$root/lib/$triple"
  export PKG_CONFIG_PATH="$root/usr/lib/$triple/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root"
  export LIBRARY_PATH="$root/usr/lib/$triple" CPATH="$root/usr/include"
  build_options=("-DCMAKE_PREFIX_PATH=$root/usr"
    "-DCUDNN_FRONTEND_PATH=$(realpath -m "$packages")"
    "-DCMAKE_EXE_LINKER_FLAGS=-Wl,--disable-new-dtags,-rpath,$places,-rpath-link,$places")
}

# cuDNN and NCCL as PyTorch's packages bring them, where the toolkit has none.
use_libraries_of_pytorch() {
  local library place
  for library in cudnn nccl; do
    place=$("$python" -c "import nvidia.$library as m; print(list(m.__path__)[0])" 2>/dev/null) ||
      continue
    export "${library^^}_PATH=$place" LD_LIBRARY_PATH="$place/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  done
}

require_gpu() {
  [ -n "$dry" ] && return 0
  nvidia-smi -L 2>/dev/null | grep -q GPU && return 0
  die 5 "no GPU here (nvidia-smi shows none); --dry-run shows what would be done"
}

stage_build() {
  local options=(-DGANTRY_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES=native -DCMAKE_BUILD_TYPE=Release)
  local generator=()
  command -v ninja >/dev/null && generator=(-G Ninja)
  step build configure cmake -S . -B "$build" "${generator[@]}" "${options[@]}" \
    "${build_options[@]}" || return
  step build compile cmake --build "$build" -j "$(nproc)" || return
  step build benchmark-programs cmake --build "$build" -j "$(nproc)" --target bench_device_memory
  step build doctor "$gantry" doctor
}

stage_suite() {
  # Tests of one GPU do not gain from many at a time; the emulation's say nothing new here.
  step suite kernels env GANTRY_TEST_BACKENDS=cuda "$build/tests/kernels/kernels_tests" \
    --gtest_brief=1 "--gtest_filter=-Cpu*:VectorMath.*:Conv2dDescriptor.*"
  # Every test that trains, on the GPU; what compares backends has a stage of its own.
  step suite training env GANTRY_TEST_BACKENDS=cuda "$build/tests/train/train_tests" \
    --gtest_brief=1 "--gtest_filter=-All/BackendParity.*:OnGpu.*"
  step suite everything-else ctest --test-dir "$build" -j "$(nproc)" --output-on-failure \
    --exclude-regex '^(cuda_emulation\.|All/BackendParity)'
}

stage_parity() {
  step parity configs "$build/tests/train/train_tests" "--gtest_filter=All/BackendParity.*"
  step parity replayed-is-queued "$build/tests/train/train_tests" "--gtest_filter=OnGpu.*"
  # The same run whole, and in two parts; both have to end in the same bytes.
  local config=configs/quickstart.json
  local fixed=(backend=cuda train.steps=60 train.checkpoint_every=30 output.animation=false)
  run rm -rf "$out/whole" "$out/parts"
  step parity whole "$gantry" train "$config" "${fixed[@]}" --out "$out/whole"
  step parity first-part "$gantry" train "$config" "${fixed[@]}" train.steps=30 --out "$out/parts"
  step parity second-part "$gantry" resume "$out/parts" train.steps=60
  # And whatever reads the data, and however many steps are one graph.
  run rm -rf "$out/launches" "$out/from-host"
  step parity five-to-a-launch "$gantry" train "$config" "${fixed[@]}" train.steps_per_launch=5 \
    --out "$out/launches"
  step parity data-from-the-host "$gantry" train "$config" "${fixed[@]}" data.on_device=false \
    --out "$out/from-host"
  local other
  for other in parts launches from-host; do
    step parity "$other-is-whole" cmp "$out/whole/checkpoints/step-00000060/state.safetensors" \
      "$out/$other/checkpoints/step-00000060/state.safetensors"
  done
}

# on_gpus NAME COUNT COMMAND...: gantry with a rank for each of so many GPUs, joined over TCP.
on_gpus() {
  local name=$1 count=$2
  shift 2
  if [ "$count" -eq 1 ]; then
    step ranks "$name" "$gantry" "$@"
    return
  fi
  step ranks "$name" bash -c 'count=$1; shift; ranks=(); status=0
    for ((r = 0; r < count; ++r)); do
      "$@" --rank "$r" --local-rank "$r" --world-size "$count" --rendezvous 127.0.0.1:29511 &
      ranks+=($!)
    done
    for rank in "${ranks[@]}"; do wait "$rank" || status=$?; done
    exit "$status"' ranks "$count" "$gantry" "$@"
}

stage_ranks() {
  local count=2 name
  step ranks one-rank-in-the-graph "$build/tests/train/train_tests" \
    "--gtest_filter=OnGpu.NcclOfOneRank*"
  [ -n "$dry" ] || count=$(nvidia-smi -L | grep -c GPU)
  if [ "$count" -lt 2 ]; then
    left_out ranks several-gpus "there is one GPU here"
    return 0
  fi
  on_gpus doctor "$count" doctor --cluster "$out"
  local fixed=(backend=cuda train.steps=60 train.checkpoint_every=60 output.animation=false)
  local exact=(distributed.virtual_ranks=2)
  for name in exact-one exact-two two again; do run rm -rf "$out/ranks-$name"; done
  on_gpus exact-one 1 train configs/quickstart.json "${fixed[@]}" "${exact[@]}" \
    --out "$out/ranks-exact-one"
  on_gpus exact-two 2 train configs/quickstart.json "${fixed[@]}" "${exact[@]}" \
    --out "$out/ranks-exact-two"
  on_gpus two 2 train configs/quickstart.json "${fixed[@]}" --out "$out/ranks-two"
  on_gpus again 2 train configs/quickstart.json "${fixed[@]}" --out "$out/ranks-again"
  local state=checkpoints/step-00000060/state.safetensors
  step ranks exact-two-is-one cmp "$out/ranks-exact-one/$state" "$out/ranks-exact-two/$state"
  step ranks again-is-two cmp "$out/ranks-two/$state" "$out/ranks-again/$state"
  # The same work for each GPU; metrics.jsonl has the images per second.
  local scaled=(backend=cuda train.steps=400 train.log_every=100 train.sample_every=0
    'data={"source":"glyphs","size":[64,64],"channels":3,"samples":4096}')
  for ((name = 1; name <= count; name *= 2)); do
    run rm -rf "$out/ranks-of-$name"
    on_gpus "of-$name" "$name" train configs/dcgan-64-example.json "${scaled[@]}" \
      "train.batch=$((128 * name))" --out "$out/ranks-of-$name"
  done
}

stage_sanitize() {  # [TOOL]
  local tool tools=(memcheck racecheck initcheck synccheck)
  [ -n "${1:-}" ] && tools=("$1")
  local share=$((limit / ${#tools[@]})) options
  for tool in "${tools[@]}"; do
    options=(--tool "$tool" --error-exitcode 9)
    [ "$tool" = memcheck ] && options+=(--leak-check no)
    step sanitize "$tool-kernels" timeout "$((share * 7 / 10))" compute-sanitizer "${options[@]}" \
      env GANTRY_TEST_BACKENDS=cuda "$build/tests/kernels/kernels_tests" --gtest_brief=1 \
      "--gtest_filter=*Ladder*"
    step sanitize "$tool-step" timeout "$((share * 3 / 10))" compute-sanitizer "${options[@]}" \
      "$gantry" bench configs/quickstart.json backend=cuda train.batch=8 --steps 2 --warmup 1 \
      --allocator direct
  done
}

stage_bandwidth() {
  step bandwidth kernels "$build/tests/bench/bench_device_memory" cuda 512
  local config
  for config in dcgan-28 keras-mnist-gan; do
    profile "$config" "data={\"source\":\"glyphs\",\"samples\":2000}"
  done
  profile dcgan-64-example train.batch=128 \
    'data={"source":"glyphs","size":[64,64],"channels":3,"samples":2000}'
}

profile() {  # CONFIG key=value ...
  local config=$1
  shift
  step bandwidth "profile-$config" "$gantry" profile "configs/$config.json" backend=cuda "$@" \
    --steps 50 --json
  [ -z "$dry" ] && [ -s "$out/bandwidth-profile-$config.log" ] || return 0
  sed -n '/^{$/,/^}$/p' "$out/bandwidth-profile-$config.log" >"$out/profile-$config.json"
}

# One config and batch in every precision, PyTorch's best mode of each found first.
compare() {  # CONFIG BATCH DATA
  local precision precisions=(fp32 tf32 bf16 fp16)
  local share=$((limit / ${#precisions[@]}))
  for precision in "${precisions[@]}"; do
    # What this build of Gantry has no key for is measured for PyTorch alone by bench.py.
    local only=()
    if [ "$precision" != fp32 ]; then
      only=("precision=$precision")
      if [ -z "$dry" ] && ! "$gantry" check "configs/$1.json" "${only[@]}" >/dev/null 2>&1; then
        left_out speed "$1-$2-$precision" "not built: this gantry has no precision=$precision"
        continue
      fi
    fi
    step speed "$1-$2-$precision" env GANTRY="$gantry" PYTHON="$python" DEVICE=cuda ROUNDS=2 \
      STEPS=200 SYNC_EVERY=20 GRADS=frozen PRECISION="$precision" BUDGET=$((share / 2)) \
      KEEP="$out/speed.jsonl" GANTRY_ONLY="${only[*]-}" timeout "$share" \
      tools/pytorch/compare.sh "configs/$1.json" -- "train.batch=$2" "$3"
  done
}

stage_speed() {  # [SIZE]
  local size sizes=(28 64 128 512 2048)
  [ -n "${1:-}" ] && sizes=("$1")
  for size in "${sizes[@]}"; do
    [ -n "${1:-}" ] || started=$SECONDS  # each has its own time
    if [ "$size" = 28 ]; then
      compare dcgan-28 128 'data={"source":"glyphs","samples":4096}'
    else
      compare dcgan-64-example "$size" \
        'data={"source":"glyphs","size":[64,64],"channels":3,"samples":4096}'
    fi
  done
}

train_one() {  # CONFIG
  local run_dir="$out/run-$1" place=() status=0
  if [ -n "$data" ]; then
    place=("data.path=$data/mnist")
    [ "$1" != keras-cifar-frogs ] || place=("data.path=$data/cifar10")
    if [ "$1" = keras-cifar-frogs ] && [ -f "$data/frogs.zip" ]; then
      place=("data={\"source\":\"images\",\"path\":\"$data/frogs.zip\",\"shuffle\":false}")
    fi
  fi
  if [ -d "$run_dir" ] && [ -z "$dry" ]; then
    step train "$1" timeout --preserve-status "$(($(left) - 20))" "$gantry" resume "$run_dir" || status=$?
  else
    step train "$1" timeout --preserve-status "$(($(left) - 20))" "$gantry" train "configs/$1.json" \
      backend=cuda "${place[@]}" --out "$run_dir" || status=$?
  fi
  [ -z "$dry" ] || return 0
  [ "$status" -ne 75 ] || echo "   stopped and saved: run train-$1 again to go on" >&2
  local grid
  grid=$(find "$run_dir/samples" -name 'step-*.png' 2>/dev/null | sort | tail -n 1)
  [ -n "$grid" ] && cp "$grid" "$out/$1.png"
  [ -f "$run_dir/metrics.jsonl" ] && cp "$run_dir/metrics.jsonl" "$out/$1-metrics.jsonl"
  return "$status"
}

stage_train() {  # [CONFIG]
  local config configs=(keras-mnist-gan keras-cifar-frogs mnist-dcgan)
  [ -n "${1:-}" ] && configs=("$1")
  for config in "${configs[@]}"; do train_one "$config"; done
}

stage_tables() {
  run "$python" tools/gpu_tables.py "$out" || failures=$((failures + 1))
}

stage() {
  started=$SECONDS
  case "$1" in
    build | suite | parity | ranks | sanitize | bandwidth | speed | train | tables) "stage_$1" ;;
    sanitize-memcheck | sanitize-racecheck | sanitize-initcheck | sanitize-synccheck | \
      speed-28 | speed-64 | speed-128 | speed-512 | speed-2048 | \
      train-keras-mnist-gan | train-keras-cifar-frogs | train-mnist-dcgan)
      "stage_${1%%-*}" "${1#*-}" ;;
    *) die 2 "no stage $1; tools/gpu_check.sh --help" ;;
  esac
}

[ "${stages[*]}" = all ] && stages=(build suite parity ranks sanitize bandwidth speed train tables)
[ "${stages[*]}" = tables ] || require_gpu
run mkdir -p "$out"
use_packages
use_libraries_of_pytorch
for name in "${stages[@]}"; do
  echo "== $name"
  stage "$name"
done
if [ "$failures" -gt 0 ]; then
  echo "gpu_check: $failures of the steps failed; see $out" >&2
  exit 1
fi
if [ "$missing" -gt 0 ]; then
  echo "gpu_check: all that can be done here passed; $missing comparisons cannot"
  exit 0
fi
echo "gpu_check: all passed"
