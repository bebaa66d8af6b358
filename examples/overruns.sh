#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#SBATCH --job-name=overruns
#SBATCH --nodes=1
#SBATCH --gres=npu:1
#SBATCH --time=00:00:05
# A job that runs past its time limit of five seconds. On SIGTERM it says that it
# was told to stop and ends with status 143. By hand: stop it with kill; by itself
# it ends after two minutes, with status 1, for then nobody enforced the limit.
told() {
  echo "told to stop (SIGTERM) after $SECONDS s"
  exit 143
}
trap told TERM
echo "working, with a limit of 5 s"
while [ "$SECONDS" -lt 120 ]; do
  # In the background, so that the trap runs at once and not after the sleep.
  sleep 1 &
  wait "$!"
  echo "still working after $SECONDS s"
done
echo "overruns.sh: nobody stopped this job at its limit" >&2
exit 1
