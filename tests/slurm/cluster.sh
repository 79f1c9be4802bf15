# SPDX-License-Identifier: Apache-2.0
# A Slurm cluster of this machine alone, on loopback, in $folder: to be sourced. start_cluster and
# stop_cluster; stop ends only what start has started.
#   low   jobs that those of `high` preempt: asked to end, killed 30 s later
#   high

start_cluster() {
  local host port
  host=$(hostname -s)
  port=$(free_port)
  mkdir -p "$folder"/{state,spool,munge}
  chmod 0711 "$folder" "$folder/munge"
  dd if=/dev/urandom of="$folder/munge/key" bs=1 count=1024 status=none
  chmod 0600 "$folder/munge/key"
  export SLURM_CONF=$folder/slurm.conf
  cat >"$SLURM_CONF" <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
SlurmctldPort=$port
SlurmdPort=$(free_port)
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
MpiDefault=pmix
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=2,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmdParameters=config_overrides
MinJobAge=300
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=low Nodes=$host Default=YES PriorityTier=1 PreemptMode=REQUEUE GraceTime=30 State=UP
PartitionName=high Nodes=$host PriorityTier=10 PreemptMode=OFF State=UP
END
  munged --foreground --force --key-file "$folder/munge/key" --socket "$folder/munge/socket" \
    --pid-file "$folder/munge/pid" --log-file "$folder/munge/log" --seed-file "$folder/munge/seed" >/dev/null 2>&1 &
  daemons=($!)
  until [ -S "$folder/munge/socket" ]; do sleep 0.1; kill -0 "${daemons[0]}" || return 1; done
  slurmctld -D -f "$SLURM_CONF" >/dev/null 2>&1 &
  daemons+=($!)
  slurmd -D -f "$SLURM_CONF" -N "$host" >/dev/null 2>&1 &
  daemons+=($!)
  for _ in $(seq 100); do
    sinfo -h -o %T 2>/dev/null | grep -q idle && return 0
    sleep 0.2
  done
  tail -n 20 "$folder"/slurmctld.log "$folder"/slurmd.log >&2
  return 1
}

stop_cluster() {
  scancel --user="$(id -un)" 2>/dev/null || true
  sleep 1
  for ((i = ${#daemons[@]} - 1; i >= 0; --i)); do
    kill "${daemons[i]}" 2>/dev/null || true
    wait "${daemons[i]}" 2>/dev/null || true
  done
}

free_port() {
  local port
  while port=$((20000 + RANDOM % 20000)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}
