"""NetSuite's SuiteTalk REST API and SuiteQL: look-ups, and the two records that wbs-sync creates."""
