#!/bin/bash
#SBATCH --job-name=killed
echo alive
kill -USR2 $$
echo "not reached"
