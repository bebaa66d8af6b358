#!/bin/bash
#SBATCH -n 3
#SBATCH -J step-fails
srun --kill-on-bad-exit=0 bash -c 'exit $((SLURM_PROCID == 1 ? 7 : 0))' 2> /dev/null
code=$?
echo "srun ended with $code"
exit $code
