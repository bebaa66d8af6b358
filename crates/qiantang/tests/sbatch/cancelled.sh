#!/bin/bash
#SBATCH --job-name=cancelled
trap 'echo "told to end" > told.txt; exit 0' TERM
echo ready > ready.txt
sleep 600 &
wait
