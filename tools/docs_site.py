"""MkDocs hook of the docs site (mkdocs.yml): links to files outside docs/, and a check that the site loads nothing from another host.

Pages link to files of the repository by their relative path, such as `../deploy/prometheus/wbs-sync.rules.yml`, so that the links work
where the repository is read too. The site gets a copy of each such file under `files/`. Links to a folder become plain text.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
# Pages outside docs/, where readers of a repository expect them: path in the repository, path in the site.
PROJECT_PAGES = {
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "tests/README.md": "project/tests.md",
}
HOME = {"README.md": "index.md"}
LINK = re.compile(r"\[(?P<text>[^\[\]]*)\]\((?P<target>[^()\s:#]+)(?P<anchor>#[^()\s]*)?\)")
# References that a browser loads by itself: not `<a href>` and `rel="canonical"`.
FOREIGN = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\ssrc=["']?(?:https?:)?//[^>]*>
      | <link\b(?![^>]*rel=["']?canonical)[^>]*\shref=["']?(?:https?:)?//[^>]*>
      | <(?:pre|div)\s+class=["']?mermaid[^>]*>
      | url\(\s*["']?(?:https?:)?//[^)]*\)
      | @import\s+["'](?:https?:)?//[^"']*""",
    re.VERBOSE,
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of PROJECT_PAGES and a copy of each linked file outside docs/."""
    for source, target in PROJECT_PAGES.items():
        files.append(File.generated(config, target, content=(ROOT / source).read_text("utf-8")))
    for page in files.documentation_pages():
        for found in LINK.finditer(page.content_string):
            path = repository_path(page.src_uri, found["target"])
            copy = site_path(path)
            if copy and copy.startswith("files/") and not files.get_file_from_path(copy):
                files.append(File.generated(config, copy, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return the page's text with links that lead to places in the site."""

    def rewritten(found: re.Match[str]) -> str:
        path = repository_path(page.file.src_uri, found["target"])
        target = site_path(path)
        if target:
            relative = posixpath.relpath(target, posixpath.dirname(page.file.src_uri))
            return f"[{found['text']}]({relative}{found['anchor'] or ''})"
        return found["text"] if (ROOT / path).is_dir() else found[0]

    return LINK.sub(rewritten, markdown)


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site whose pages or styles load something from another host.

    Raises PluginError with each file and reference.
    """
    site = Path(config.site_dir)
    foreign = [
        f"{path.relative_to(site)}: {found[0][:160]}"
        for path in sorted([*site.rglob("*.html"), *site.rglob("*.css")])
        for found in FOREIGN.finditer(path.read_text("utf-8"))
    ]
    if foreign:
        raise PluginError(
            "The site has to work without the internet, but loads from other hosts:\n" + "\n".join(foreign)
        )


def repository_path(page: str, target: str) -> str:
    """Return the path in the repository to which a link leads. `page`: path of the page in the site."""
    sources = {site: source for source, site in PROJECT_PAGES.items()}
    folder = posixpath.dirname(sources.get(page, f"docs/{page}"))
    return posixpath.normpath(posixpath.join(folder, target))


def site_path(path: str) -> str | None:
    """Return the path in the site of a file of the repository; None for a folder without a README, and for a missing file."""
    if path in PROJECT_PAGES | HOME:
        return (PROJECT_PAGES | HOME)[path]
    if (ROOT / path / "README.md").is_file() and path.startswith("docs/"):
        path = f"{path}/README.md"
    if not (ROOT / path).is_file() or path.startswith(".."):
        return None
    return path.removeprefix("docs/") if path.startswith("docs/") else f"files/{path.lstrip('.')}"
