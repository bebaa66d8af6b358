#!/bin/bash
#SBATCH -J prepare
seq 5 > data.txt
