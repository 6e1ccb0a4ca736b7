#!/usr/bin/env python3
# peak.py FILE COMMAND... - runs it, and writes into FILE the most KiB that it or one of its children had resident.
# Of a process that was forked and ran a program the kernel counts both: python's own 14 MiB hide what is less.
import resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
with open(sys.argv[1], 'w') as file:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=file)
sys.exit(status if status >= 0 else 128 - status)
