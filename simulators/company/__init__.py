"""A construction company with consistent data, generated from a seed: its content of Procore, and its NetSuite books at the start."""

from simulators.company.build import build_company
from simulators.company.world import Company

__all__ = ["Company", "build_company"]
