#!/bin/bash
#SBATCH --job-name=background
#SBATCH --nodes=1 --ntasks=3 --cpus-per-task=1 --mem=300M
#SBATCH --output=%x.log
#SBATCH --time=2

# Each waits for the others, so they have to run beside each other.
cat > part.sh <<'PART'
touch "started-$1"
until [ -e started-a ] && [ -e started-b ] && [ -e started-c ]; do sleep 0.1; done
echo "part $1" > "part-$1.txt"
PART
for part in a b c; do
  srun --exact --ntasks=1 --mem=50M bash part.sh "$part" &
done
wait
cat part-?.txt
