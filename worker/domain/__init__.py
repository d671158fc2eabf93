"""Pure rules: WBS code to Item, invoice to bill, money, identities, errors, problems. No I/O, no clock, no settings."""
