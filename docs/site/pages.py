"""Hooks of mkdocs: pages that lie outside of docs/, and links from page to page.

README is the first page. Links in the repository lead from file to file; here they lead from page to page,
and what is no page of the site (a script, a folder) is named without a link.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

OUTSIDE = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Files at the root, by the page that they are."""
LINK = re.compile(r"\[([^\]]*)\]\((?![a-z]+:)([^)#\s]*)(#[^)\s]*)?\)")
"""A link that names no scheme: text, path, anchor."""
FENCE = re.compile(r"^(```+|~~~+).*?^\1\s*$", re.DOTALL | re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The pages at the root, beside those of docs/."""
    root = Path(config.docs_dir).parent
    for name, page in OUTSIDE.items():
        files.append(File.generated(config, page, abs_src_path=str(root / name)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The text with links that lead to pages; what stands in fences is left as it is."""
    at_root = {page: name for name, page in OUTSIDE.items()}
    root = Path(config.docs_dir).parent
    source = at_root.get(page.file.src_uri) or f"docs/{page.file.src_uri}"

    def led(found: re.Match[str]) -> str:
        text, path, anchor = found[1], found[2], found[3] or ""
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), path)) if path else source
        name = OUTSIDE.get(target) or target.removeprefix("docs/")
        if files.get_file_from_path(name) is None and (root / target).exists():
            return text
        return f"[{text}]({name}{anchor})"  # mkdocs refuses one that leads nowhere

    parts, end = [], 0
    for fence in FENCE.finditer(markdown):
        parts += [LINK.sub(led, markdown[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, LINK.sub(led, markdown[end:])])
