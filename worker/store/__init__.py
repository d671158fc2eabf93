"""Redis: the ledger, locks, the gate, rate limits, waiting work, runs, problems, tokens. Its clock is the only shared one."""
