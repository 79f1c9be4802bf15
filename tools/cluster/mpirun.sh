#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A training over several hosts without a scheduler, by Open MPI's mpirun over ssh: started again
# after a lost rank, up to GANTRY_RESTARTS times (default 3), it goes on, in exact mode to the same
# bytes.
#   tools/cluster/mpirun.sh RANKS HOSTFILE CONFIG RUN [key=value ...]
# HOSTFILE has a line "HOST slots=RANKS_THERE" for each host. gantry, MPI, CONFIG, RUN and the data
# must be at the same place on all of them. GANTRY (default: gantry) is the binary; each rank has
# OMP_NUM_THREADS (1) threads. Ctrl-C or SIGTERM saves and ends with 75; the same command goes on.
set -u
usage="usage: mpirun.sh RANKS HOSTFILE CONFIG RUN [key=value ...]"
ranks=${1:?$usage} hosts=${2:?$usage} config=${3:?$usage} run=${4:?$usage}
shift 4
gantry=$(command -v "${GANTRY:-gantry}") || { echo "mpirun.sh: no ${GANTRY:-gantry}" >&2; exit 5; }
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" OMPI_MCA_mpi_yield_when_idle=1
options=(-n "$ranks" --hostfile "$hosts" --bind-to none -x OMP_NUM_THREADS
  -x OMPI_MCA_mpi_yield_when_idle)
[ "$(id -u)" -ne 0 ] || options+=(--allow-run-as-root)

mpirun=
# mpirun hands SIGUSR1 on to the ranks; after SIGTERM it would give them a second to save.
trap 'kill -USR1 "$mpirun" 2>/dev/null' USR1 TERM INT
for ((starts = 0; starts <= ${GANTRY_RESTARTS:-3}; ++starts)); do
  # In a session of its own: Ctrl-C comes through this script alone.
  setsid mpirun "${options[@]}" "$gantry" train "$config" --out "$run" --resume auto "$@" &
  mpirun=$!
  status=0
  wait "$mpirun" || status=$?
  while kill -0 "$mpirun" 2>/dev/null; do  # a signal ended the wait, not mpirun
    status=0
    wait "$mpirun" || status=$?
  done
  # 11: a rank was lost; above 128: a signal ended one, and mpirun the others.
  [ "$status" -eq 11 ] || [ "$status" -gt 128 ] || exit "$status"
  echo "a rank was lost (status $status)" >&2
done
exit "$status"
