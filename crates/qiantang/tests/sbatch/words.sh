#!/bin/bash
# Everything that a center's own template has.
#SBATCH --account=work                # the project
#SBATCH --partition=npu
#SBATCH --job-name=words --comment="two words"
#SBATCH --mail-type=END,FAIL
#SBATCH --mail-user=someone@example.edu
#SBATCH --constraint=rings
#SBATCH --exclusive
#SBATCH --nodes=1 --gres=npu:1
#SBATCH -t 1:30:00
#SBATCH --requeue
#SBATCH --output=%x.%N.%j.%u.log

##SBATCH --nodes=4
echo "$SLURM_JOB_NUM_NODES node, $SLURM_CPUS_ON_NODE processors, ${SLURM_TASKS_PER_NODE}"
srun -n 4 hostname > /dev/null && echo "four tasks"
#SBATCH --nodes=4
