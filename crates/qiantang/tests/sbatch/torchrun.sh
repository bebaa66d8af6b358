#!/bin/bash
#SBATCH --job-name=torchrun
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gres=npu:ascend910:2
#SBATCH --cpus-per-task=4
#SBATCH --time=0:05:00
#SBATCH --output=%x.out

set -e
nodes=($(scontrol show hostnames "$SLURM_JOB_NODELIST"))
export MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n1)
export MASTER_PORT=$((10000 + SLURM_JOB_ID % 20000))
[ "$MASTER_ADDR" = "$SLURMD_NODENAME" ] && echo "the first node runs the script"
echo "${#nodes[@]} nodes meet at $MASTER_ADDR"

# What torchrun would get, by a script that takes ranks as training code does.
cat > worker.py <<'PYTHON'
import os
rank = int(os.environ.get("RANK", os.environ["SLURM_PROCID"]))
world = int(os.environ.get("WORLD_SIZE", os.environ["SLURM_NTASKS"]))
assert os.environ["MASTER_ADDR"] and int(os.environ["MASTER_PORT"]) >= 10000
print(f"rank {rank} of {world}, {os.environ['SLURM_CPUS_PER_TASK']} processors")
PYTHON
srun --cpus-per-task="$SLURM_CPUS_PER_TASK" python3 worker.py | sort
