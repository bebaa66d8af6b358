#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#SBATCH --job-name=city-traffic
#SBATCH --nodes=1
#SBATCH --gres=npu:1
#SBATCH --time=00:05:00
# Searches the green splits of nine traffic lights on a synthetic grid.
set -eu
here="${QIANTANG_EXAMPLES:-$(cd "$(dirname "$0")" && pwd)}"
exec python3 "$here/city/traffic.py"
