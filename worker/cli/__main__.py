"""`python -m worker.cli` is `wbs-sync`, for process managers that know the interpreter and not its scripts."""

from worker.cli import main

main()
