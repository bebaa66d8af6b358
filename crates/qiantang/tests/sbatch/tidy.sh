#!/bin/bash
#SBATCH -J tidy
cat rescue.txt && rm data.txt
