"""Plans and their application, the comparison of both systems with the ledger, and clearing deleted records from the ledger."""
