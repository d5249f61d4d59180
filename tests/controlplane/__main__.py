"""Makes the control plane's programs: `PYTHONPATH=tests python -m controlplane [PROGRAM…]`."""

import sys

from controlplane import recipes, tools

for program in sys.argv[1:] or recipes.BY_PROGRAM:
    sys.stdout.write(f"{tools.path(program)}\n")
