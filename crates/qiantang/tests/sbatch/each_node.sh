#!/bin/bash
#SBATCH --job-name=each-node
#SBATCH --nodes=2
#SBATCH --gpus-per-node=ascend910:2
#QIANTANG --launch=each-node
echo "rank $RANK of $WORLD_SIZE with $SLURM_GPUS_ON_NODE cards"
