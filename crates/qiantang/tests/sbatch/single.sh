#!/bin/bash
#SBATCH --job-name=single
#SBATCH --ntasks=1
#SBATCH --mem=200M
#SBATCH --time=00:05:00
#SBATCH --output=%x-%j.out

echo "job=$SLURM_JOB_ID $SLURM_JOB_NAME in $SLURM_SUBMIT_DIR"
echo "nodes $SLURM_JOB_NUM_NODES list $SLURM_JOB_NODELIST tasks $SLURM_NTASKS of ${SLURM_TASKS_PER_NODE}"
echo "this is an error" >&2
pwd
srun python3 -c 'print("the sum is", sum(range(1000)))' | tee sum.txt
