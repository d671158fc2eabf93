"""What Procore and NetSuite publish about their records: names and types of properties, as facts to compare with.

`procore.json` and `netsuite.json` hold one line per property; their first lines name the source and its date. Read them through
`tests.published.shape`; `python -m tests.published FOLDER` writes them again from the published files.
"""
