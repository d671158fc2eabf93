"""A month end with wbs-sync, played on the simulators by its real commands and written as docs/month-end.md."""
