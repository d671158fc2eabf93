"""`python -m worker.cli` runs `wbs-sync`, for process managers that start the interpreter instead of console scripts."""

from worker.cli import main

main()
