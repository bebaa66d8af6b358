#!/bin/bash
#SBATCH --job-name hybrid
#SBATCH --nodes 2
#SBATCH --ntasks 8
#SBATCH --ntasks-per-node 4
#SBATCH --cpus-per-task 2
#SBATCH --mem-per-cpu 20M
#SBATCH --time 1-00:00:00

export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}
echo "$SLURM_NTASKS tasks, $SLURM_TASKS_PER_NODE, each with $OMP_NUM_THREADS threads, $SLURM_MEM_PER_CPU MiB"
srun -c "$OMP_NUM_THREADS" bash -c 'echo "task $SLURM_PROCID: $OMP_NUM_THREADS"' | sort -V > tasks.txt
wc -l < tasks.txt
