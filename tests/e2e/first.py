"""The first process of a run's namespaces: furnishes them, runs one command, and takes them with it when that ends.

`python -m e2e.first FOLDER COMMAND…`
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

ADDRESS = "10.200.0.1"
"""The node's, on its loopback device: Pods reach it by their gateway, and nothing outside does."""
SYSCTLS = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1_000_000,
    "kernel/keys/root_maxbytes": 25_000_000,
}
"""What a kubelet sets for the whole machine: it finds these in place of the machine's, and has nothing to write."""
KILLED = 128
"""What shells add to the number of the signal that ended a command."""


def main() -> int:
    """Run the command, and return its exit status."""
    folder, command = Path(sys.argv[1]), sys.argv[2:]
    furnish(folder)
    # Ctrl-C reaches the command too, which cleans up; a handler, unlike deafness, is not inherited.
    signal.signal(signal.SIGINT, lambda *_: None)
    child = subprocess.Popen(command)
    while True:
        pid, status = os.wait()  # whoever outlives its parent is a child of the first process
        if pid == child.pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else KILLED - code


def furnish(folder: Path) -> None:
    """Give a node its own /run and /var, machine-wide settings that are not the machine's, and a network."""
    run("mount", "--make-rshared", "/")
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    upper, work, settings = folder / "var", folder / "var-work", folder / "sysctls"
    for each in (upper, work, settings):
        each.mkdir()
    run("mount", "-t", "overlay", "-o", f"lowerdir=/var,upperdir={upper},workdir={work}", "overlay", "/var")
    for name, value in SYSCTLS.items():
        file = settings / name.replace("/", ".")
        file.write_text(f"{value}\n")
        run("mount", "--bind", str(file), f"/proc/sys/{name}")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1\n")
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", f"{ADDRESS}/32", "dev", "lo")


def run(*command: str) -> None:
    """Run a command that must work."""
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main())
