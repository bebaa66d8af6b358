#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#SBATCH --job-name=building-load
#SBATCH --nodes=1
#SBATCH --gres=npu:1
#SBATCH --time=00:05:00
# Predicts the hourly heat load of a synthetic building.
set -eu
here="${QIANTANG_EXAMPLES:-$(cd "$(dirname "$0")" && pwd)}"
exec python3 "$here/building/load.py"
