"""What people and monitoring see: checks, problems, explanations, reports and metrics. Writes to neither remote."""
