"""Writes the generated docs and schemas from the code: `make docs`. Not part of the wheel."""
