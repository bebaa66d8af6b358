#!/bin/bash
#SBATCH --job-name=cancelled
trap 'echo "told to end" > told.txt; exit 0' TERM
echo ready > ready.txt
# Slurm tells what the script has started first: a wait for that would be over before the script is told.
while :; do sleep 0.2; done
