"""Rows of any table as one page: rendered mathematics, search, filter, sort, and links to their origins.

The page fetches nothing; its script is that of the report, allowed by its hash in the page's policy, and
without it every row can still be read. Columns are distinguished by their content: texts that are long or
have several lines are rendered as Markdown with formulas, the others are shown together above them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from jz3.core.placing import placed_file
from jz3.report.drawn_rows import Drawn, Placed
from jz3.report.mathematics import with_mathematics
from jz3.report.page import Section, whole_page
from jz3.report.rendering import code, joined, paragraph, render
from jz3.report.rows import Card, Choice, Group, Order, rows_section
from jz3.report.writing import count, written

MARK = "Every row stands as it is in the file; jz3 look drew them."
"""In each page that a command writes: only such a page may be replaced by the next."""

SHORT = 80  # characters; chosen: what fits on a line beside its name
MOST_SHOWN = (
    10_000  # characters of a text; chosen: three printed pages, and a browser can show a thousand of them
)
MOST_OPTIONS = 12  # chosen: a filter that can be read at a glance
MOST_CHOICES = 6  # chosen: two lines of the form on a wide screen

IDS = ("row_id", "problem_id", "completion_id", "prompt_id", "passage_id", "item_id", "unique_id", "id")
"""Columns that name a row, the most certain first."""

Row = Mapping[str, Any]
Ancestors = Mapping[str, Mapping[str, Row]]
"""Rows that others came from, by kind (problem, prompt, passage, item) and id."""


@dataclass(frozen=True)
class Columns:
    """A table's columns: those with short values, and those with long texts or nested values."""

    short: Sequence[str]
    long: Sequence[str]
    kinds: Mapping[str, str]
    """What the ids of a column refer to: `prompt` for `prompt_id`; only for columns that refer to
    something.
    """


def look_page(
    name: str, drawn: Drawn, find: Sequence[str], kinds: Mapping[str, str], found: Ancestors
) -> str:
    """The page of a table. `kinds`: what the ids of a column refer to; `found`: the rows with those ids."""
    rows = [placed.row for placed in drawn.rows]
    columns = _columns(rows, kinds)
    links = {
        (kind, key): f"{kind}-{number}"
        for kind, of_kind in found.items()
        for number, key in enumerate(of_kind, start=1)
    }
    choices = _choices(rows, columns.short)
    orders = [
        Order(f"s{number}", column, _is_numeric(row.get(column) for row in rows))
        for number, column in enumerate(columns.short)
    ]
    cards = [_card(placed, columns, choices, links) for placed in drawn.rows]
    sections = [
        Section(
            "rows",
            "Rows",
            paragraph(_odd(drawn)) if drawn.odd else Markup(),
            rows_section(said(drawn, find), [Group(cards)], list(choices.values()), orders),
        ),
        *(_section_of(kind, of_kind, kinds, links) for kind, of_kind in found.items() if of_kind),
    ]
    return whole_page(sections, name, MARK)


def write_page(page: str, target: Path) -> None:
    """Write a page; it may replace only another page of this kind."""
    with placed_file(target, _foreign) as part:
        part.write_text(page, encoding="utf-8")


def said(drawn: Drawn, find: Sequence[str]) -> str:
    """How many rows are shown, out of how many, and which."""
    held = f" that hold {' and '.join(find)}, of {count(drawn.read)}" if find else ""
    if len(drawn.rows) == drawn.fitting:
        return f"All {count(drawn.fitting)} rows of the table{held}."
    return (
        f"{count(len(drawn.rows))} of the {count(drawn.fitting)} rows of the table{held}, drawn by hash and "
        "not chosen. Search, filter and sort work on these."
    )


def _odd(drawn: Drawn) -> str:
    return f"{count(drawn.odd)} lines are not rows and are not shown; the first is {drawn.first_odd}."


def _foreign(file: Path) -> str | None:
    is_page = file.is_file() and MARK in file.read_text(encoding="utf-8", errors="replace")
    return None if is_page else "is no page of `jz3 look`"


def _columns(rows: Sequence[Row], kinds: Mapping[str, str]) -> Columns:
    names = list(dict.fromkeys(name for row in rows for name in row))
    long = [name for name in names if any(_is_long(row.get(name)) for row in rows)]
    return Columns([name for name in names if name not in long], long, kinds)


def _is_long(value: object) -> bool:
    match value:
        case str():
            return len(value) > SHORT or "\n" in value
        case list() | dict():
            return True
        case _:
            return False


def _choices(rows: Sequence[Row], short: Sequence[str]) -> dict[str, Choice]:
    """Filters by column, for columns with few values; an option's key is its number, from 0."""
    found: dict[str, Choice] = {}
    for column in short:
        values = sorted({_plain(row.get(column)) for row in rows})
        if 2 <= len(values) <= min(MOST_OPTIONS, max(2, len(rows) // 2)) and len(found) < MOST_CHOICES:
            options = {str(number): value for number, value in enumerate(values)}
            found[column] = Choice(f"f{len(found)}", column, options)
    return found


def _is_numeric(values: Iterable[object]) -> bool:
    given = [value for value in values if value is not None]
    return bool(given) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in given
    )


def _plain(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case float():
            return f"{value:.6g}"
        case _:
            return str(value)


def _card(
    placed: Placed, columns: Columns, choices: Mapping[str, Choice], links: Mapping[tuple[str, str], str]
) -> Card:
    row = placed.row
    keys = {
        choice.name: next(key for key, value in choice.options.items() if value == _plain(row.get(column)))
        for column, choice in choices.items()
    }
    keys |= {
        f"s{number}": str(row[column])
        for number, column in enumerate(columns.short)
        if row.get(column) is not None and row[column] == row[column]  # NaN cannot be ordered
    }
    name = next((str(row[column]) for column in IDS if row.get(column) is not None), "")
    head = joined([placed.place, render("row_id.html", id=name) if name else ""], " ")
    return Card(head=head, body=_body(row, columns, links), keys=keys)


def _body(row: Row, columns: Columns, links: Mapping[tuple[str, str], str]) -> Markup:
    cells = {column: _cell(row[column], column, columns, links) for column in columns.short if column in row}
    texts = [
        render("text.html", label=column, text=_text(row[column]))
        for column in columns.long
        if row.get(column) is not None
    ]
    return joined([render("cells.html", cells=cells), *texts])


def _cell(value: object, column: str, columns: Columns, links: Mapping[tuple[str, str], str]) -> Markup:
    link = links.get((columns.kinds.get(column, ""), str(value)))
    if link:
        return render("link.html", link=link, text=str(value))
    return with_mathematics(value) if isinstance(value, str) else code(_plain(value))


def _text(value: object) -> Markup:
    """A long value: Markdown with formulas, messages below one another, other nested values as JSON."""
    match value:
        case str():
            return _shortened(value)
        case [*messages] if messages and all(_is_message(message) for message in messages):
            return joined(
                render("text.html", label=_speaker(message), text=_shortened(_content(message)))
                for message in messages
            )
        case list() | dict():
            text = json.dumps(value, ensure_ascii=False, indent=1, default=str)
            return render("block.html", name="json", label="", text=_cut(text))
        case _:
            return code(_plain(value))


def _shortened(text: str) -> Markup:
    return written(_cut(text))


def _cut(text: str) -> str:
    more = len(text) - MOST_SHOWN
    return text if more <= 0 else f"{text[:MOST_SHOWN]}\n\n[{count(more)} characters more]"


def _is_message(value: object) -> bool:
    """Whether a value is a turn of a conversation, as in OpenAI's or ShareGPT's format."""
    return isinstance(value, dict) and (
        {"role", "content"} <= value.keys() or {"from", "value"} <= value.keys()
    )


def _speaker(message: Row) -> str:
    return str(message["role"] if "role" in message else message["from"])


def _content(message: Row) -> str:
    return str((message["content"] if "content" in message else message["value"]) or "")


def _section_of(
    kind: str, rows: Mapping[str, Row], kinds: Mapping[str, str], links: Mapping[tuple[str, str], str]
) -> Section:
    """The rows that ids of the table refer to, folded: a link opens its target."""
    columns = _columns(list(rows.values()), {name: of for name, of in kinds.items() if of != kind})
    cards = joined(
        Card(
            head=render("row_id.html", id=key),
            body=_body(row, columns, links),
            keys={},
            id=links[kind, key],
        ).article
        for key, row in rows.items()
    )
    return Section(f"{kind}s", f"{kind.capitalize()}s", Markup(), cards)
