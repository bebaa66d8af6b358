#!/usr/bin/env python3
#SBATCH --job-name=python
#SBATCH --ntasks=1
#SBATCH --output=python.txt
import os

print("a script of another language, tasks", os.environ["SLURM_NTASKS"])
