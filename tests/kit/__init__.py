"""What tests are built from: the simulated company, settings, the product's container, an installation, commands and processes.

One way to build each: a test of any folder takes it from here instead of making its own (tests/README.md).
"""
