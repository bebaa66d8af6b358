#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#SBATCH --job-name=digits-mindspore
#SBATCH --nodes=1
#SBATCH --gres=npu:1
#SBATCH --time=00:10:00
# Trains the digit reader with MindSpore, which the node must have installed.
# DEVICE_TARGET=Ascend uses the card, otherwise the processor. With more than one
# node, MindSpore's launcher msrun ties one process a node together.
set -eu
here="${QIANTANG_EXAMPLES:-$(cd "$(dirname "$0")/.." && pwd)}"
program="$here/mindspore/train_digits.py"
if [ "${WORLD_SIZE:-1}" -gt 1 ]; then
  exec msrun --worker_num="$WORLD_SIZE" --local_worker_num=1 --node_rank="$RANK" \
    --master_addr="$MASTER_ADDR" --master_port="$MASTER_PORT" \
    --log_dir="msrun-$RANK" --join=True "$program"
fi
exec "${PYTHON:-python3}" "$program"
