#!/bin/bash
#SBATCH -J multi-node
#SBATCH -N 2
#SBATCH --ntasks-per-node=4
#SBATCH --gres=npu:2
#SBATCH -t 5
#SBATCH -o out.%j
#SBATCH -e err.%j

# Once, and not once on each node.
echo start >> starts
echo "nodes $SLURM_NNODES, tasks $SLURM_NTASKS, on each $SLURM_NTASKS_PER_NODE and $SLURM_TASKS_PER_NODE"
srun bash -c 'echo "rank $SLURM_PROCID of $SLURM_NTASKS, $SLURM_LOCALID on node $SLURM_NODEID, own ${RANK-none}"' | sort -V
srun --ntasks=2 --ntasks-per-node=1 bash -c 'echo "$SLURMD_NODENAME"' | sort | uniq -c
echo "no error" >&2
