#!/bin/bash
#SBATCH --export=NONE
#SBATCH --output=none.txt

export Y=lost
/usr/bin/env bash -c 'echo "here: $Y"'
srun -n1 /usr/bin/env bash -c 'echo "in a step: ${Y-not there}"'
unset SLURM_EXPORT_ENV
srun -n1 /usr/bin/env bash -c 'echo "in the next: ${Y-not there}"'
