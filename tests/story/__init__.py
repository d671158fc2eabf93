"""A month end with wbs-sync, played on the simulators with its real commands and written as docs/month-end.md."""
