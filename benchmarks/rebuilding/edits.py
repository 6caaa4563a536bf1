"""The edits that every system is asked about."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.rebuilding.project import Project, write_texts
from benchmarks.servers.teaching import WORDS


@dataclass(frozen=True)
class Edit:
    """One change of a project: a piece of text in the file of that name, wherever it is."""

    file: str
    old: str
    new: str


EDITS = {
    "nothing": None,
    "template": Edit("4.txt", "quiz", "test"),
    "twice the texts": None,
    "row removed": None,
    "row changed": None,
    "threshold": Edit("", r"(?i)(least_words\W{1,4})12\b", r"\g<1>16"),
    "comment in prompts": Edit("prompts.py", "    template =", "    # by id\n    template ="),
    "comment in parse": Edit("parsing.py", "if not found:", "if not found:  # cut short"),
    "change in parse": Edit("parsing.py", "problem.strip()", 'problem.strip().replace("find", "compute")'),
    "change in an import": Edit("answers.py", "< 0.5", "< 1.5"),
    "temperature": Edit("", r"(?i)(temperature\W{1,4})0\.7\b", r"\g<1>0.9"),
    "kill": None,
    "second clone": None,
}
"""The edit of each cell; those without an edit of text are made by `change`."""


def make_texts(count: int) -> list[dict[str, str]]:
    """Texts by number: a larger count begins with the texts of a smaller one."""
    return [
        {"id": f"t{number:05}", "text": f"Note {number}: {' '.join(Random(number).choices(WORDS, k=20))}."}
        for number in range(count)
    ]


def repeated_ids(project: Project) -> list[str]:
    """Final rows of the plain script whose problem a later text has as well: removing one lets the
    other in.
    """
    lines = (project.path / "data/filtered.jsonl").read_text().splitlines()
    problems = {row["id"]: row["problem"] for row in map(json.loads, lines)}
    often = Counter(problems.values())
    return [row_id for row_id in sorted(project.rows()) if often[problems[row_id]] > 1]


def change(project: Project, name: str, texts: list[dict[str, str]], repeated: list[str]) -> None:
    """Make one edit in a project."""
    edit = EDITS[name]
    if edit:
        change_text(project.path, edit, project.about.get("where", {}).get(edit.file, edit.file))
    elif name == "twice the texts":
        write_texts(project.path, make_texts(2 * len(texts)))
    elif name == "row removed":
        write_texts(project.path, [text for text in texts if text["id"] != repeated[0]])
    elif name == "row changed":
        changed = {"id": repeated[1], "text": "Another note, on a boat and a clock."}
        write_texts(project.path, [changed if text["id"] == changed["id"] else text for text in texts])


def change_text(path: Path, edit: Edit, name: str) -> None:
    """Replace it in the one file of that name that has it; without a name, `old` is a pattern for all
    sources.
    """
    files = [
        file
        for file in path.rglob(name or "*")
        if file.suffix in (".py", ".yaml", ".txt", ".env")
        and "home" not in file.parts
        and (re.search(edit.old, file.read_text()) if not edit.file else edit.old in file.read_text())
    ]
    assert len(files) == 1, (edit, files)
    text = files[0].read_text()
    new = text.replace(edit.old, edit.new) if edit.file else re.sub(edit.old, edit.new, text)
    files[0].write_text(new)
