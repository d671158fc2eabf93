"""The sandbox probe: tries in a sandbox what Procore and NetSuite do not document, and writes the account's profile.

A tool of its own, run by an administrator before the first real scan. It uses the product's clients, gate and error tables; no module of
the product imports it. `wbs-sync probe` runs it where it is installed.
"""
