#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Ranks on hosts of their own, which are network namespaces of this machine: node1 to node3 at a
# switch, 10.77.0.1 to .3 and fd77::1 to ::3. Each case ends as docs/cluster.md says, in time, and
# what is trained are the bytes of one process.
#   tests/netns/rendezvous.sh [GANTRY]   (default build/gantry)
# Exit code 77 where namespaces or TAP devices cannot be had: root, iproute2 and python3 are needed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
skip() { echo "SKIPPED: hosts in network namespaces were not tried: $1" >&2; exit 77; }

# All of it in namespaces that go with this script.
if [ -z "${GANTRY_NETNS_INSIDE:-}" ]; then
  [ "$(id -u)" -eq 0 ] || skip "they need root"
  for program in ip unshare python3; do
    command -v $program >/dev/null || skip "no $program (tools/packages.sh netns python)"
  done
  unshare --net --mount true 2>/dev/null || skip "unshare is not allowed here"
  GANTRY_NETNS_INSIDE=1 exec unshare --net --mount "$0" "$@"
fi
gantry=$(realpath "${1:-$here/../../build/gantry}")
folder=$(mktemp -d)
declare -A running=()
switch=
trap 'kill "${!running[@]}" $switch 2>/dev/null || true; rm -rf "$folder"' EXIT
export OMP_NUM_THREADS=1

# Tells the switch something (switch.py), and waits until it holds.
network() {
  echo "$*" >&"${SWITCH[1]}"
  read -r -t 10 -u "${SWITCH[0]}" || fail "the switch does not answer"
}
make_hosts() {
  local i
  mkdir -p /run/netns
  mount -t tmpfs none /run/netns
  for i in 1 2 3; do
    ip netns add node$i
    ip link set port$i netns node$i
    ip -n node$i link set lo up
    ip -n node$i link set port$i up
    ip -n node$i addr add 10.77.0.$i/24 dev port$i
    ip -n node$i addr add fd77::$i/64 dev port$i nodad
  done
}
coproc SWITCH { exec python3 "$here/switch.py" port1 port2 port3 2>"$folder/switch"; }
switch=$SWITCH_PID
read -r -t 10 -u "${SWITCH[0]}" || skip "no TAP devices: $(tail -n 1 "$folder/switch")"
make_hosts 2>"$folder/hosts" || skip "$(tail -n 1 "$folder/hosts")"

cat >"$folder/tiny.json" <<'END'
{"name": "tiny", "seed": 3,
 "data": {"source": "glyphs", "samples": 256, "size": [8, 8]},
 "latent": {"size": 12},
 "generator": {"layers": [{"type": "dense", "units": 64}, {"type": "relu"},
   {"type": "dense", "units": 64}, {"type": "reshape", "shape": [1, 8, 8]}, {"type": "tanh"}]},
 "discriminator": {"layers": [
   {"type": "conv", "channels": 8, "kernel": 4, "stride": 2, "padding": 1}, {"type": "leaky_relu"},
   {"type": "flatten"}, {"type": "dense", "units": 1}]},
 "optimizer": {"g": {"lr": 2e-4}, "d": {"lr": 2e-4}},
 "train": {"steps": 6, "batch": 32, "checkpoint_every": 100, "log_every": 100,
           "sample_every": 100000},
 "output": {"animation": false}, "distributed": {"virtual_ranks": 4}, "threads": 1}
END

case_name="" case_begun=0
begin() { case_name=$1 case_begun=$SECONDS; }
passed() { echo "$case_name: as stated, in $((SECONDS - case_begun)) s"; }
fail() {
  echo "$case_name: $1" >&2
  tail -n 5 "$folder"/*.out >&2
  exit 1
}
# LABEL NODE RANK SIZE PLACE WORDS...: starts a rank there; what it says is in LABEL.out.
rank() {
  local label=$1 node=$2 number=$3 size=$4 place=$5
  shift 5
  timeout 60 ip netns exec "$node" unshare --uts sh -c 'hostname "$0" && exec "$@"' "$node" \
    "$gantry" "$@" --rank "$number" --world-size "$size" --rendezvous "$place" \
    >"$folder/$label.out" 2>&1 &
  running[$!]=$label
  pids[$label]=$!
}
declare -A pids=()
# LABEL EXIT_CODE SECONDS PART ...: that rank has ended so, that long after the case began, and has
# said all of these.
ended() {
  local label=$1 code=$2 limit=$3 status=0 part
  shift 3
  wait "${pids[$label]}" || status=$?
  unset "running[${pids[$label]}]"
  [ "$status" -eq "$code" ] || fail "$label ended with $status, not $code"
  [ $((SECONDS - case_begun)) -le "$limit" ] || fail "$label took longer than $limit s"
  for part in "$@"; do
    grep -qF -- "$part" "$folder/$label.out" || fail "$label did not say: $part"
  done
}
train() { printf '%s\n' train "$folder/tiny.json" --out "$folder/$1"; }
state() { cat "$folder/$1/checkpoints/$(printf 'step-%08d' "$2")/state.safetensors"; }
same() { cmp <(state "$1" "$3") <(state "$2" "$3") || fail "other bytes than one process writes"; }
newest() { find "$folder/$1/checkpoints" -name 'step-*' 2>/dev/null | sed 's/.*step-0*//' | sort -n | tail -n 1; }

"$gantry" train "$folder/tiny.json" --out "$folder/whole" >"$folder/whole.out" 2>&1 ||
  fail "one process failed"
place=10.77.0.1:29500

begin "late ranks, two on a host, IPv6"
mapfile -t words < <(train late)
rank late2 node2 2 4 "[fd77::1]:29500" "${words[@]}"
rank late1 node1 1 4 "[fd77::1]:29500" "${words[@]}"
sleep 1.5
rank late0 node1 0 4 "[fd77::1]:29500" "${words[@]}"
sleep 1.5
rank late3 node2 3 4 "[fd77::1]:29500" "${words[@]}"
for i in 0 1 2 3; do ended late$i 0 15; done
same late whole 6
passed

begin "a missing rank"
mapfile -t words < <(train missing)
rank missing0 node1 0 3 $place "${words[@]}" --join-timeout 3
rank missing1 node2 1 3 $place "${words[@]}" --join-timeout 3
for i in 0 1; do
  ended missing$i 5 9 "rank 2 never joined rank 0 on node1 at $place within 3 s (2 of 3 are here)"
done
passed

begin "a rank that is there twice"
mapfile -t words < <(train twice)
rank twice1 node2 1 3 $place "${words[@]}"
rank twice0 node1 0 3 $place "${words[@]}"
sleep 1
rank again1 node3 1 3 $place "${words[@]}"
for label in twice0 twice1 again1; do
  ended $label 5 10 "(10.77.0.2:" "rank 1 on node2" "(10.77.0.3:" "rank 1 on node3" "is there twice"
done
passed

begin "a wrong port, a wrong host"
mapfile -t words < <(train wrong)
rank port node2 1 2 10.77.0.1:29501 "${words[@]}" --join-timeout 3
rank host node3 1 2 10.77.0.9:29500 "${words[@]}" --join-timeout 3
ended port 5 9 \
  "rank 1 on node2 could not reach rank 0 at 10.77.0.1:29501 within 3 s: Connection refused"
ended host 5 9 "rank 1 on node3 could not reach rank 0 at 10.77.0.9:29500 within 3 s: "
passed

begin "two jobs on one port"
mapfile -t words < <(train two)
rank a0 node1 0 2 $place "${words[@]}" --job-id a
sleep 1
rank b0 node1 0 2 $place "${words[@]}" --job-id b
rank b1 node3 1 2 $place "${words[@]}" --job-id b
ended b0 5 10 "cannot listen at port 29500 ($place): Address already in use"
ended b1 5 10 "$place: job \"a\" meets here, and rank 1 on node3 (10.77.0.3:" 'is of job "b"'
rank a1 node2 1 2 $place "${words[@]}" --job-id a
ended a0 0 20
ended a1 0 20
same two whole 6
passed

begin "a partition in mid-run"
mapfile -t words < <(train parted)
for i in 0 1; do
  rank parted$i node$((i + 1)) $i 2 $place "${words[@]}" \
    train.steps=1000000 train.checkpoint_every=20 distributed.timeout_s=4
done
until [ -n "$(newest parted)" ]; do
  sleep 0.2
  [ $((SECONDS - case_begun)) -lt 30 ] || fail "no checkpoint"
done
network cut port2
case_begun=$SECONDS
ended parted0 11 20 "rank 1 on node2 (10.77.0.2:" "did not come to" "within 4 s"
ended parted1 11 20 "rank 0 on node1 ($place)" "did not come to" "within 4 s"
network mend
last=$(($(newest parted) + 6))
for i in 0 1; do
  rank resumed$i node$((i + 1)) $i 2 $place resume "$folder/parted" train.steps=$last
done
ended resumed0 0 40
ended resumed1 0 40
"$gantry" train "$folder/tiny.json" --out "$folder/longer" train.steps=$last >"$folder/longer.out" \
  2>&1 || fail "one process failed"
same parted longer "$last"
passed

for condition in "delay 0.2" "loss 0.05"; do
  begin "$condition"
  name=${condition%% *}
  network $condition
  mapfile -t words < <(train "$name")
  for i in 2 1 0; do rank "$name$i" node$((i % 2 + 1)) $i 4 $place "${words[@]}"; done
  rank "${name}3" node3 3 4 $place "${words[@]}"
  for i in 0 1 2 3; do ended "$name$i" 0 50; done
  network mend
  same "$name" whole 6
  passed
done
