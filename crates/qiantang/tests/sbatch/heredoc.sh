#!/bin/bash -l
#SBATCH --job-name="here document"
#SBATCH -o "%j %x.txt"
[ $# = 3 ] || exit 9
python3 - "$@" <<'PYTHON'
import sys
for number, text in enumerate(sys.argv[1:]):
    print(number, repr(text))
PYTHON
