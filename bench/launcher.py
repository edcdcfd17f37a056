"""`python bench/launcher.py REPORT COMMAND...`: one command, and what it took, as JSON.

A process begins with the peak memory of the one that started it (Linux keeps it over `exec`), so a
bench that has held much would be counted into every command it runs. This one stays small.
"""

import json
import os
import sys
import time
from pathlib import Path


def main() -> int:
    """Writes wall seconds, processor seconds and peak MiB, children included."""
    report, *command = sys.argv[1:]
    began = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, used = os.wait4(child, 0)
    took = [time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]
    Path(report).write_text(json.dumps(took), encoding="ascii")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    raise SystemExit(main())
