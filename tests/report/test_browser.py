"""The page in a real browser: nothing overflows to the side, no heading is hidden, the filter may run, it can
be read in the dark, and a print has what is folded.
"""

import html
import json
import re
import shutil
import subprocess
import unicodedata
from html.parser import HTMLParser

import pytest
from pypdf import PdfReader

from tests.report.test_look import page_of, written_to
from tests.report.test_report import PROBLEMS, VOID, run_stage

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium; `apt-get install chromium` brings it"),
]
WIDTHS = (390, 768, 1440)
LEAST_CONTRAST = 4.5
"""Of a text and what is behind it (WCAG 2, level AA)."""

# What is wider than the window without being in a scroll area; where each heading ends up after a jump; the
# contrast of each text with what is behind it.
MEASURE = """
const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
const light = (colour) => {
  const [r, g, b] = numbers(colour).map((one) => one / 255)
    .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
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
    const style = (one) => view.getComputedStyle(one);
    const behind = (one) => {
      const colour = one ? style(one).backgroundColor : "rgb(255, 255, 255)";
      return numbers(colour)[3] === 0 ? behind(one.parentElement) : colour;
    };
    const texts = [...page.querySelectorAll("body *")].filter((one) => !one.closest("script") &&
      [...one.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim()));
    const faint = new Set(texts.filter((one) => {
      const own = style(one), ink = one.closest("svg") ? own.fill : own.color;
      const [dim, bright] = [light(ink), light(behind(one))].sort((a, b) => a - b);
      return (bright + 0.05) / (dim + 0.05) < LEAST;
    }).map((one) => `${one.tagName} ${one.className.baseVal ?? one.className}`));
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
      texts: texts.length, faint: [...faint], ground: light(behind(page.body)),
    });
  }
  document.getElementById("found").textContent = JSON.stringify(found);
});
"""


def browse(folder, address, *options):
    """What Chromium says of a page, without any request of its own."""
    common = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    common += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    done = subprocess.run(
        [CHROMIUM, *common, f"--user-data-dir={folder / 'profile'}", *options, address],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def measured(folder, page, steps=(), *, dark=False):
    """What the script finds in the page at each width, and which rows are shown after each step in the form.

    A window cannot be as narrow as a frame.
    """
    frames = "".join(
        f'<iframe src="{page}" data-width="{width}" style="width:{width}px;height:900px"></iframe>'
        for width in WIDTHS
    )
    script = f"const STEPS = {json.dumps(steps)}, LEAST = {LEAST_CONTRAST};{MEASURE}"
    around = folder / "around.html"
    around.write_text(f'<!DOCTYPE html><body><pre id="found"></pre>{frames}<script>{script}</script></body>')
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    options = ["--allow-file-access-from-files", "--virtual-time-budget=20000", "--dump-dom", scheme]
    (found,) = re.findall(r'<pre id="found">(.*?)</pre>', browse(folder, around.as_uri(), *options))
    return json.loads(html.unescape(found))


class Folded(HTMLParser):
    """The texts that a page shows only once something is unfolded; formulas and drawings are left out."""

    def __init__(self, page):
        super().__init__()
        self._at, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self._at.append(tag)

    def handle_endtag(self, tag):
        self._at.pop()

    def handle_data(self, data):
        if "details" in self._at and not {"summary", "math", "svg"} & set(self._at) and data.strip():
            self.texts.append(bare(data))


def bare(text):
    """Without blanks, at which lines and sheets end, and without ligatures, which a font sets."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def printed(folder, page):
    """The text on the sheets that a printer gets, and what of it lies outside of them."""
    browse(folder, page.as_uri(), "--no-pdf-header-footer", f"--print-to-pdf={folder / 'page.pdf'}")
    shown, outside = [], []
    for sheet in PdfReader(folder / "page.pdf").pages:
        wide, high = float(sheet.mediabox.width), float(sheet.mediabox.height)

        def place(text, of_page, of_text, font, size, wide=wide, high=high):
            x = of_text[4] * of_page[0] + of_text[5] * of_page[2] + of_page[4]
            y = of_text[4] * of_page[1] + of_text[5] * of_page[3] + of_page[5]
            if text.strip() and not (0 <= x <= wide and 0 <= y <= high):
                outside.append(text)

        shown.append(sheet.extract_text(visitor_text=place))
    return bare("".join(shown)), outside


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    run_stage(folder, PROBLEMS)
    return folder


@pytest.fixture(scope="module")
def found(run):
    steps = [{"text": "q003"}, {"text": "", "verdict": "rejected"}]
    return measured(run, (run / "report/index.html").as_uri(), steps)


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


def test_every_text_stands_out_from_what_is_behind_it_in_the_light_and_in_the_dark(run, found):
    dark = measured(run, (run / "report/index.html").as_uri(), dark=True)
    for bright, dim in zip(found, dark, strict=True):
        assert bright["texts"] == dim["texts"] > 1_000
        assert (bright["faint"], dim["faint"]) == ([], [])
        assert bright["ground"] > 0.9
        assert dim["ground"] < 0.05


def test_a_print_has_all_that_is_folded_and_nothing_runs_off_its_sheets(run):
    page = run / "report/index.html"
    folded = Folded(page.read_text()).texts
    assert len(folded) > 300
    shown, outside = printed(run, page)
    assert ([text for text in folded if text not in shown], outside) == ([], [])


def test_what_a_print_or_the_dark_would_lose_is_seen(run):
    whole = (run / "report/index.html").read_text()
    page = run / "worse.html"
    page.write_text(
        whole.replace("details::details-content", "unknown").replace("--ink: #e8eaed", "--ink: #222")
    )
    shown, _ = printed(run, page)
    assert [text for text in Folded(whole).texts if text not in shown]
    assert all(one["faint"] for one in measured(run, page.as_uri(), dark=True))


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
