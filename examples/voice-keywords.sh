#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#SBATCH --job-name=voice-keywords
#SBATCH --nodes=1
#SBATCH --gres=npu:1
#SBATCH --time=00:05:00
# Learns to tell six synthetic voice commands apart.
set -eu
here="${QIANTANG_EXAMPLES:-$(cd "$(dirname "$0")" && pwd)}"
exec python3 "$here/voice/keywords.py"
