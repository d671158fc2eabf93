"""The sandbox probe: tests undocumented behavior of Procore and NetSuite in a sandbox, and writes the account's profile.

It is a separate tool that an administrator runs before the first real scan. It uses the product's clients, gate and error tables; no module
of the product imports it. `wbs-sync probe` runs it, if it is installed.
"""
