"""Runs a command and writes what it took, with all its threads and children: seconds and bytes, as JSON.

Usage: rusage.py REPORT COMMAND...  A small process, since the peak memory of whoever starts a program is counted as the
program's own."""

import json
import resource
import subprocess
import sys
import time

started = time.perf_counter()
code = subprocess.call(sys.argv[2:])
wall = time.perf_counter() - started
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
unit = 1 if sys.platform == "darwin" else 1024
with open(sys.argv[1], "w") as report:
    json.dump({"cpu": usage.ru_utime + usage.ru_stime, "wall": wall, "rss": usage.ru_maxrss * unit}, report)
sys.exit(code)
