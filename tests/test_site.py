"""Links between pages are valid, both in the repository and in the site that `make docs` builds from it."""

import importlib.util
import os
import re
import subprocess
import sys
import tomllib

import pytest
import yaml

from tests.conftest import ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^(```+|~~~+).*?^\1\s*$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"(`+).+?\1")


def prose(page):
    return FENCE.sub("", page.read_text())


def anchors(page):
    """The anchors of headings, for a page of the repository as for one of the site."""
    headings = re.findall(r"^#+ (.+?)\s*$", prose(page), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.lower()) for heading in headings)
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading)) for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_leads_to_a_file_and_to_a_heading_of_it(page):
    links = re.findall(r"\]\((?![a-z]+:)([^)#\s]*)#?([^)\s]*)\)", CODE.sub("", prose(page)))
    for path, anchor in links:
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {path}"
        assert not anchor or anchor in anchors(target), f"{page.name} links to {path}#{anchor}"
    assert links or page.name not in ("README.md", "journeys.md"), "these two lead to all others"


def test_each_page_of_the_docs_stands_in_the_menu_of_the_site_once():
    text = (ROOT / "mkdocs.yml").read_text()
    listed = re.findall(r": (\w+\.md)$", text, re.MULTILINE)
    outside = {"index.md", "contributing.md", "changelog.md"}
    assert sorted(listed) == sorted({file.name for file in (ROOT / "docs").glob("*.md")} | outside)
    assert yaml.safe_load(text)["strict"] is True
    assert yaml.safe_load(text)["theme"]["font"] is False, "fonts would be fetched"


def test_make_docs_installs_what_the_extra_names():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    make = (ROOT / "Makefile").read_text()
    (installed,) = re.findall(r"\.venv-docs/bin/pip install .* -c constraints/main\.txt (.*)", make)
    assert installed.split() == [re.split(r"[<>=]", wanted)[0] for wanted in extras["docs"]]
    assert "docs" not in re.findall(r"-e \"\.\[([a-z0-9,]+)\]\"", make)


@pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="mkdocs is in no environment of tests")
def test_the_site_builds_and_asks_nobody_for_anything(tmp_path):
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-d", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    pages = list(tmp_path.glob("*.html"))
    assert len(pages) > len(list((ROOT / "docs").glob("*.md")))
    for page in pages:
        assert not re.search(r'(src=|<link[^>]*href=)"(https?:)?//', page.read_text()), page.name
