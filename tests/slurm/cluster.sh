#!/usr/bin/env bash
# A SLURM cluster of one node, this machine, without systemd and without accounting. As root, on Debian or Ubuntu.
#   cluster.sh up FOLDER     install slurm-wlm and munge if they are not there, start, wait until the node is idle
#   cluster.sh down FOLDER   stop what `up` started; the packages stay
# Exit code 77: it cannot be had here, and a sentence says why. FOLDER: for logs and state. GPUS: how many to pretend, 2 by default.
set -euo pipefail
action=$1 folder=$2 gpus=${GPUS:-2} host=$(hostname -s)

unavailable() {
    echo "$1"
    exit 77
}

stop() { # NAME: end a daemon by its pid file, if the process is still that daemon
    local file=$folder/$1.pid pid
    [ -s "$file" ] || return 0
    pid=$(cat "$file")
    if grep -qs "^$1" "/proc/$pid/comm"; then
        kill "$pid"
        for _ in $(seq 50); do [ -d "/proc/$pid" ] || break; sleep 0.1; done
    fi
    rm -f "$file"
}

down() {
    stop slurmd
    stop slurmctld
    stop munged
}

install() {
    command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null && return
    command -v apt-get >/dev/null || unavailable "SLURM is not installed, and there is no apt-get to install it"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge; } \
        >"$folder/apt.log" 2>&1 || unavailable "the packages slurm-wlm and munge cannot be installed: $(tail -n 1 "$folder/apt.log")"
}

# Memory is counted and not enforced, since there is no cgroup; nothing keeps accounts, and jobs are remembered for an hour.
write_configuration() {
    local memory cores devices=(/dev/null /dev/zero /dev/full /dev/random) # a GPU needs a file of its own, and any device is one
    cores=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc) # which would heed them
    memory=$(slurmd -C | sed -n 's/.*RealMemory=\([0-9]*\).*/\1/p')
    mkdir -p /etc/slurm
    cat >/etc/slurm/slurm.conf <<CONF
ClusterName=one-node
SlurmctldHost=$host
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MinJobAge=3600
SchedulerParameters=batch_sched_delay=1,sched_min_interval=200000,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
MpiDefault=none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cores RealMemory=$((memory - 1024)) Gres=gpu:$gpus State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
    for ((i = 0; i < gpus; i++)); do
        echo "NodeName=$host Name=gpu File=${devices[i]}"
    done >/etc/slurm/gres.conf
}

start_munge() {
    mkdir -p /etc/munge
    [ -s /etc/munge/munge.key ] || head -c 1024 /dev/urandom >/etc/munge/munge.key
    chown root:root /etc/munge /etc/munge/munge.key
    chmod 700 /etc/munge
    chmod 400 /etc/munge/munge.key
    munged --force --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
        --log-file="$folder/munged.log" --seed-file="$folder/munge.seed"
}

up() {
    [ "$(id -u)" = 0 ] || unavailable "only root can start a cluster"
    mkdir -p "$folder/state" "$folder/spool"
    install
    if [ -e /etc/slurm/slurm.conf ] && ! grep -q "^ClusterName=one-node$" /etc/slurm/slurm.conf; then
        unavailable "/etc/slurm/slurm.conf is another cluster's"
    fi
    scontrol ping 2>/dev/null | grep -q "is UP" && unavailable "another cluster runs here"
    write_configuration
    start_munge
    slurmctld -c
    slurmd -c
    for _ in $(seq 100); do
        sinfo -h -o %T 2>/dev/null | grep -q '^idle' && return
        sleep 0.2
    done
    tail -n 5 "$folder/slurmctld.log" "$folder/slurmd.log" >&2
    exit 1
}

"$action"
