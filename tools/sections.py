"""Generated parts of a Markdown page, each between `<!-- generated: NAME -->` and `<!-- end: NAME -->`; the rest is written by hand."""

from __future__ import annotations


def with_section(page: str, name: str, content: str) -> str:
    """Return the page with this content in the section. Raises ValueError unless the page has the section exactly once."""
    begin, end = f"<!-- generated: {name} -->\n", f"<!-- end: {name} -->\n"
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        raise ValueError(f"the page needs the section {name!r} exactly once")
    head, _, rest = page.partition(begin)
    tail = rest.partition(end)[2]
    return f"{head}{begin}\n{content.strip()}\n\n{end}{tail}"
