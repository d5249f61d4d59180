"""What a process has used so far, as Linux counts it."""

import os
from pathlib import Path

AFTER_NAME = ") "
USER_TICKS, SYSTEM_TICKS = 11, 12
"""Positions in /proc/PID/stat after the program's name: fields 14 and 15 of proc(5)."""


def cpu_seconds(pid: int) -> float:
    """Return the processor seconds of a process and all its threads, its own and the kernel's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(AFTER_NAME)[2].split()
    return (int(fields[USER_TICKS]) + int(fields[SYSTEM_TICKS])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Return the memory of a process that is in RAM."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
