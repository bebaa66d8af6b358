#!/bin/bash
#SBATCH --job-name=strict --ntasks=1
set -euo pipefail
trap 'echo "left at line $LINENO with $?" > left.txt' EXIT
echo before
python3 -c 'import sys; sys.exit(4)' | cat
echo after
