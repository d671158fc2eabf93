"""The fault campaigns that prove "exactly once": `python -m tests.campaign --help`. Their report: docs/reliability.md."""
