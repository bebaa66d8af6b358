#!/bin/bash
#SBATCH --export=ALL,X=1,MODE=fast
#SBATCH -n 2 -o export.txt

export Y="two words"
echo "$X $MODE $Y"
srun bash -c 'echo "$X $MODE $Y"'
srun --export=ALL,MODE=slow -n1 bash -c 'echo "$X $MODE $Y"'
