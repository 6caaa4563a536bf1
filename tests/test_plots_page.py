"""`dvc plots show` draws without a network: the page that .dvc/config names has its script inside."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DVC_YAML = """\
plots:
  - loss:
      x: step
      y: {a.tsv: loss, b.tsv: loss}
  - scores.csv: {x: benchmark, y: accuracy}
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """What DVC makes of our page, with two curves in one plot and a table whose x is not a number."""
    folder = tmp_path_factory.mktemp("plots")
    for name, last in (("a", 0.25), ("b", 1.5)):
        rows = [(1, 4.0), (2, 2.0), (3, last)]
        (folder / f"{name}.tsv").write_text("step\tloss\n" + "".join(f"{x}\t{y}\n" for x, y in rows))
    (folder / "scores.csv").write_text("benchmark,accuracy\n<b>x</b>,1\ny,2\n")
    (folder / "dvc.yaml").write_text(DVC_YAML)
    for words in (["init", "-q", "--no-scm"], ["plots", "show", "-o", "out"]):
        subprocess.run(
            ["dvc", *words],
            cwd=folder,
            env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            check=True,
            capture_output=True,
        )
        for name in ("config", "plots.html"):
            shutil.copy(ROOT / ".dvc" / name, folder / ".dvc" / name)
    return folder / "out/index.html"


def test_the_page_names_nothing_to_fetch_and_may_fetch_nothing(page):
    html = page.read_text()
    assert html.count("vegaEmbed('#") == 2, "DVC calls the page's own function for each plot"
    assert "default-src 'none'" in html
    assert not re.search(r"<script[^>]+src|<link|@import|url\(", html)


@pytest.mark.long
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium; `apt-get install chromium` brings it")
def test_a_browser_draws_curves_with_a_key_and_folds_what_is_no_curve(page):
    shown = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    first, second = shown.split("<figure>")[1:]
    assert first.count("<path") == 2
    assert first.count("<circle") == 6
    assert [text.strip() for text in re.findall(r"<li style[^>]*>([^<]*)", first)] == ["a.tsv", "b.tsv"]
    assert "<path" not in second
    assert second.count("<tr>") == 3
    assert "&lt;b&gt;x" in second, "names are shown as they are"
