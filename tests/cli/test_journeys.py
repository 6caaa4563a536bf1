"""What the pages print can be typed: a journey runs exactly as it is printed, and each command is known."""

import json
import re
import shlex

import pytest
import typer
from typer.testing import CliRunner

from jz3.cli.compiling import COMPILING
from jz3.cli.main import app
from tests.conftest import ROOT

PAGE = (ROOT / "docs/journeys.md").read_text()
PAGES = [ROOT / name for name in ("README.md", "AGENTS.md", "CONTRIBUTING.md")]
PAGES += sorted((ROOT / "docs").glob("*.md"))
COMMAND = typer.main.get_command(app)
PARTS = dict(re.findall(r"^## (.+)\n((?:(?!^## ).*\n?)*)", PAGE, re.MULTILINE))
COUNTS = re.findall(r"^\| \[.*?\]\(#(.*?)\) \|.*\| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
HOLE = re.compile(r"[<>|&;#]|\.\.\.|\b[A-Z]{3,}\b(?!\.)")
"""Marks a line that is a form to fill in, or more than one command."""

LOAVES = "A baker sells 12 loaves in the morning and 15 in the afternoon; how many loaves are sold in all?"
GOLDS = {
    LOAVES: 27,
    "Mia saves 4 coins a day for 9 days; how many coins has she then?": 36,
    "A rope of 60 cm is cut into 5 equal parts; how long is each, in cm?": 12,
    "Of 40 seats 13 are taken; how many are free?": 27,
}
SAID = {"a": (27, 36, 12, 26), "b": (27, 13, 12, 27)}
MINE = ("What is 2 + 3?", "what is 2+3", LOAVES, "Find the sum of the first 20 odd numbers.")


def commands(part):
    """The lines in the command blocks of a part."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PARTS[part], re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def printed(part):
    return "".join(re.findall(r"^```text\n(.*?)^```$", PARTS[part], re.MULTILINE | re.DOTALL))


def rows(file, found):
    file.write_text("".join(json.dumps(row) + "\n" for row in found))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("journeys")
    rows(
        folder / "gsm8k.jsonl", ({"question": q, "answer": f"So it is.\n#### {n}"} for q, n in GOLDS.items())
    )
    for name, values in SAID.items():
        answers = zip(GOLDS, values, strict=True)
        rows(
            folder / f"{name}.jsonl",
            ({"question": q, "response": f"Let us see. The answer is {n}."} for q, n in answers),
        )
    rows(folder / "mine.jsonl", ({"question": text} for text in MINE))
    return folder


def typed(line, folder, monkeypatch):
    name, *words = shlex.split(line)
    assert name == "jz3"
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(app, words, prog_name="jz3")
    assert done.exit_code == 0, done.output
    return [line for line in done.output.splitlines() if line != COMPILING]  # the first run prints it


@pytest.mark.parametrize("part", ["Comparing two models", "Curating a file"])
def test_a_journey_on_files_says_what_the_page_prints(part, files, monkeypatch):
    (line,) = commands(part)
    assert typed(line, files, monkeypatch) == printed(part).splitlines()


def test_the_table_counts_the_commands_and_edits_of_each_part():
    found = {
        title.lower().replace(" ", "-").replace("'", ""): (
            len(commands(title)),
            PARTS[title].count("the edit:"),
        )
        for title in PARTS
    }
    assert len(COUNTS) >= 7
    assert {part: (int(number), int(edits)) for part, number, edits in COUNTS}.items() <= found.items()


def lines_of_pages():
    for page in PAGES:
        blocks = re.split(r"^```.*$", page.read_text(), flags=re.MULTILINE)
        lines = [
            line for block in blocks[1::2] for line in re.findall(r"^(?:\$ )?(jz3 .*)$", block, re.MULTILINE)
        ]
        lines += [line for block in blocks[::2] for line in re.findall(r"`(jz3 [^`\n]+)`", block)]
        for line in lines:
            words = re.split(r" +# | \(|; | && ", line)[0]
            if not HOLE.search(words):
                yield page.relative_to(ROOT).as_posix(), words


def unknown(line):
    """What a command's own parser does not know in it."""
    command, words = COMMAND, shlex.split(line)[1:]
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return words[:1]
        command, words = command.commands[words[0]], words[1:]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return [
        word for word in words if word.startswith("-") and word.partition("=")[0] not in {*known, "--help"}
    ]


def test_each_command_of_a_page_is_known():
    lines = sorted(set(lines_of_pages()))
    assert len(lines) > 90
    assert {line: strange for line in lines if (strange := unknown(line[1]))} == {}
    assert (unknown("jz3 nosuch"), unknown("jz3 store check --nosuch")) == (["nosuch"], ["--nosuch"])


def test_each_test_that_a_page_names_is_there():
    pages = [page for page in PAGES if page.name != "CONTRIBUTING.md"]  # it has the old names
    named = {name for page in pages for name in re.findall(r"`(tests/[\w/.]+)`", page.read_text())}
    assert len(named) > 50
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
