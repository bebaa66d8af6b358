#!/bin/bash
#SBATCH -J rescue
echo "rescued $(cat model.txt)" > rescue.txt
