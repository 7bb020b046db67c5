"""Makes `python -m digitpad` the digitpad command."""

from digitpad.cli import run

run()
