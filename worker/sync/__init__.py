"""The two flows: WBS codes to Items and invoices to vendor bills, with the look-ups that they need."""
