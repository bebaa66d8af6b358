#!/bin/bash
#SBATCH --job-name=array
#SBATCH --array=0-6:2%2
#SBATCH --output=logs/%A_%a.out
#SBATCH --error=logs/%x-%3a.err
#SBATCH --ntasks=1
#SBATCH --time=10

line=$((SLURM_ARRAY_TASK_ID / 2 + 1))
read -r rate steps <<< "$(sed -n "${line}p" params.txt)"
echo "task $SLURM_ARRAY_TASK_ID of $SLURM_ARRAY_TASK_COUNT, $SLURM_ARRAY_TASK_MIN to $SLURM_ARRAY_TASK_MAX by $SLURM_ARRAY_TASK_STEP"
[ -n "$SLURM_ARRAY_JOB_ID" ] && echo "rate $rate steps $steps" > "result-$SLURM_ARRAY_TASK_ID.txt"
[ "$steps" != never ] || { echo "no steps" >&2; exit 3; }
