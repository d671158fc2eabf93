"""How fast, and at what cost: `python -m benchmarks NAME`. The report: docs/performance.md."""
