#!/bin/bash
#SBATCH --chdir=data
#SBATCH -o log-%j.txt
pwd
echo "from $SLURM_SUBMIT_DIR"
wc -l < input.txt
sort input.txt > sorted.txt
