#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#SBATCH --job-name=digits-sweep
#SBATCH --array=0-7
#SBATCH --nodes=1
#SBATCH --gres=npu:1
#SBATCH --time=00:05:00
# Eight short trainings, each with its own learning rate. Each task writes into a
# folder of its own, so tasks may share a work folder.
set -eu
here="${QIANTANG_EXAMPLES:-$(cd "$(dirname "$0")" && pwd)}"
task="${SLURM_ARRAY_TASK_ID:-0}"
rates=(0.003 0.01 0.03 0.1 0.2 0.3 0.6 2.0)
case "$task" in
  [0-7]) ;;
  *) echo "sweep-array.sh: SLURM_ARRAY_TASK_ID=$task is not from 0 to 7" >&2; exit 2 ;;
esac
rate="${rates[$task]}"
mkdir -p "task-$task"
cd "task-$task"
echo "task $task learning rate $rate"
exec python3 "$here/digits/train.py" --epochs 4 --lr "$rate"
