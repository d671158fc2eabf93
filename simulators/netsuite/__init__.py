"""NetSuite's REST record API, SuiteQL and token endpoint over in-memory books."""
