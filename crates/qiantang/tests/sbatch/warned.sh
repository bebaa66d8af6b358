#!/bin/bash
#SBATCH --job-name=warned
#SBATCH --time=00:01:00
#SBATCH --signal=B:USR1@30
#SBATCH --open-mode=truncate
#SBATCH --output=warned.txt

checkpoint() {
  echo "saved" > checkpoint.txt
  kill "$work"
  echo "told in time"
  exit 0
}
trap checkpoint USR1
sleep 600 &
work=$!
wait
