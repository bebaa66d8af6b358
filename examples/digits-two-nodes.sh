#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#SBATCH --job-name=digits-two-nodes
#QIANTANG --launch=each-node
#SBATCH --nodes=2
#SBATCH --gres=npu:8
#SBATCH --time=00:10:00
# Trains the digit reader data-parallel. The platform starts this script once on
# each node with RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT set.
set -eu
here="${QIANTANG_EXAMPLES:-$(cd "$(dirname "$0")" && pwd)}"
exec python3 "$here/digits/train.py"
