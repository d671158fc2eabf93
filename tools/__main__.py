"""`python -m tools`: write `.env.example`, the generated parts of docs/ and the message schemas from the code.

Exit code 1, with one sentence per change, if a message schema would break other applications; then no schema is written.
"""

from __future__ import annotations

import sys

from tools import commands_page, env_example, message_schemas, probe_page, problems_page, settings_page

PAGES = {
    settings_page.PAGE: settings_page.page,
    problems_page.PAGE: problems_page.page,
    probe_page.PAGE: probe_page.page,
    commands_page.PAGE: commands_page.page,
}


def main() -> int:
    """Write all files, and return the exit code."""
    env_example.FILE.write_text(env_example.env_example())
    for path, page in PAGES.items():
        path.write_text(page(path.read_text()))
    breaking = message_schemas.publish()
    sys.stderr.writelines(f"{change}\n" for change in breaking)
    return 1 if breaking else 0


if __name__ == "__main__":
    sys.exit(main())
