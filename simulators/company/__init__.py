"""One consistent construction company, generated from a seed:
what Procore holds of it, and its NetSuite books at the start.
"""

from simulators.company.build import build_company
from simulators.company.world import Company

__all__ = ["Company", "build_company"]
