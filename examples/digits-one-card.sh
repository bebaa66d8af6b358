#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#SBATCH --job-name=digits-one-card
#SBATCH --nodes=1
#SBATCH --gres=npu:1
#SBATCH --time=00:05:00
# Trains the digit reader in one process, on one card.
set -eu
here="${QIANTANG_EXAMPLES:-$(cd "$(dirname "$0")" && pwd)}"
exec python3 "$here/digits/train.py"
