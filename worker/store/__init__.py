"""Redis: the ledger, locks, the gate, rate limits, waiting work, runs, problems and tokens. All processes use its clock."""
