"""The page in a real browser: nothing runs over the side, no heading hides, and the filter is let run."""

import html
import json
import re
import shutil
import subprocess

import pytest

from tests.report.test_look import page_of, written_to
from tests.report.test_report import PROBLEMS, run_stage

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium; `apt-get install chromium` brings it"),
]
WIDTHS = (390, 768, 1440)

# What is wider than the window and in nothing that scrolls; where each heading comes to lie after a jump.
MEASURE = """
addEventListener("load", async () => {
  const found = [];
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument, view = frame.contentWindow;
    const wide = page.documentElement.clientWidth;
    const scrolls = (one) => ["auto", "scroll", "hidden"].includes(view.getComputedStyle(one).overflowX);
    const above = (one) => one.parentElement ? [one.parentElement, ...above(one.parentElement)] : [];
    const over = [...page.querySelectorAll("body *")].filter((one) => {
      const box = one.getBoundingClientRect();
      return box.width && box.right > wide + 1 && !above(one).some(scrolls);
    }).map((one) => one.tagName);
    const scrolled = page.documentElement.scrollWidth - wide;
    const figures = page.querySelector(".figures")?.getBoundingClientRect().bottom ?? 0;
    const hidden = [];
    for (const heading of page.querySelectorAll("h2, h3[id]")) {
      heading.scrollIntoView();
      if (heading.getBoundingClientRect().top < page.querySelector("nav").getBoundingClientRect().bottom) {
        hidden.push(heading.textContent);
      }
    }
    const form = page.getElementById("filter");
    const rows = () => [...page.querySelectorAll("#samples article")].filter((row) => !row.hidden)
      .map((row) => row.querySelector("code.id").textContent);
    const seen = [rows()];
    for (const step of STEPS) {
      for (const [name, value] of Object.entries(step)) {
        form[name].value = value;
        form[name].dispatchEvent(new view.Event("input", { bubbles: true }));
      }
      seen.push(rows());
    }
    found.push({
      width: Number(frame.dataset.width), scrolled, over, hidden, figures, form: form.hidden, seen,
    });
  }
  document.getElementById("found").textContent = JSON.stringify(found);
});
"""


def measured(folder, page, steps=()):
    """What the script finds in the page at each width, and which rows are there after each step in the form.

    A window cannot be as narrow as a frame.
    """
    frames = "".join(
        f'<iframe src="{page}" data-width="{width}" style="width:{width}px;height:900px"></iframe>'
        for width in WIDTHS
    )
    script = f"const STEPS = {json.dumps(steps)};{MEASURE}"
    around = folder / "around.html"
    around.write_text(f'<!DOCTYPE html><body><pre id="found"></pre>{frames}<script>{script}</script></body>')
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    options += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    options += ["--allow-file-access-from-files", "--virtual-time-budget=20000", "--dump-dom"]
    done = subprocess.run(
        [CHROMIUM, *options, f"--user-data-dir={folder / 'profile'}", around.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    (found,) = re.findall(r'<pre id="found">(.*?)</pre>', done.stdout)
    return json.loads(html.unescape(found))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    run_stage(folder, PROBLEMS)
    steps = [{"text": "q003"}, {"text": "", "verdict": "rejected"}]
    return measured(folder, (folder / "report/index.html").as_uri(), steps)


def test_the_page_is_as_wide_as_its_window(found):
    assert [one["width"] for one in found] == list(WIDTHS)
    for one in found:
        assert (one["scrolled"], one["over"]) == (0, []), one["width"]


def test_the_numbers_by_which_a_run_is_judged_stand_on_the_first_screen(found):
    wide = found[-1]["figures"]
    assert 0 < wide <= 900, "what is above them pushes them off it"


def test_a_jump_to_a_heading_shows_it(found):
    assert [one["hidden"] for one in found] == [[], [], []]


def test_the_filter_runs_and_finds_rows_by_id_and_verdict(found):
    for one in found:
        everything, *narrowed = one["seen"]
        assert (one["form"], len(everything), narrowed) == (False, 15, [["q003"], ["q002"]])


def test_rows_of_a_file_are_searched_filtered_and_sorted(tmp_path):
    long = "A word, and $\\frac{\\sqrt{x}}{" + "y + " * 60 + "1}$ beside `" + "z" * 300 + "`."
    rows = [
        {"id": f"r{n}", "kind": "ab"[n % 2], "score": [None, 10, 9, -1][n], "text": f"No {n}. {long}"}
        for n in range(4)
    ]
    file = written_to(tmp_path / "rows.jsonl", rows)
    (tmp_path / "look.html").write_text(page_of(file))
    steps = [
        {"sort": "s2"},
        {"turn": "down"},
        {"f0": "1"},
        {"f0": "", "sort": "", "turn": ""},
        {"text": "R2"},
    ]
    for one in measured(tmp_path, (tmp_path / "look.html").as_uri(), steps):
        assert (one["scrolled"], one["over"], one["hidden"]) == (0, [], []), one["width"]
        assert [" ".join(rows) for rows in one["seen"]] == [
            "r0 r1 r2 r3",
            "r3 r2 r1 r0",
            "r1 r2 r3 r0",
            "r1 r3",
            "r0 r1 r2 r3",
            "r2",
        ]


def test_a_page_that_runs_over_its_side_would_be_seen(tmp_path):
    run_stage(tmp_path, PROBLEMS)
    page = tmp_path / "wide.html"
    whole = (tmp_path / "report/index.html").read_text()
    page.write_text(whole.replace('<main id="main">', '<main id="main"><div style="width:2000px">wide</div>'))
    for one in measured(tmp_path, page.as_uri()):
        assert one["scrolled"] > 0
        assert "DIV" in one["over"]
