"""Measure speed and cost: `python -m benchmarks NAME`. The report is docs/performance.md."""
