#!/bin/bash
#SBATCH -J train
[ -s data.txt ] || exit 2
awk '{ sum += $1 } END { print sum }' data.txt > model.txt
exit 5
