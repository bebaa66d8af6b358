#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#SBATCH --job-name=fails
#SBATCH --nodes=1
#SBATCH --gres=npu:1
#SBATCH --time=00:05:00
# A job that fails honestly: the data file it names is not there. train.py says so
# on stderr and ends with status 2.
set -eu
here="${QIANTANG_EXAMPLES:-$(cd "$(dirname "$0")" && pwd)}"
echo "reading this month's digits"
exec python3 "$here/digits/train.py" --data "digits-of-this-month.csv"
