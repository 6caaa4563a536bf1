"""Ids of documents and passages come from content: they stay when others go, and when files are sorted,
split, renamed, moved, compressed or written in another format.
"""

import gzip
import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.core.artifacts import InFiles
from tests.corpus.test_ingest import TEXT, ingest, params

SECTION = "\\section{A}\nShared words stand in it, enough of them for a passage.\n"
TEXTS = [
    f"Note {number}: {TEXT} \n\n# Part\nOf note {number}: {TEXT[::-1]} {SECTION}" for number in range(12)
]


def lines(texts):
    return "".join(json.dumps({"text": text}) + "\n" for text in texts).encode()


def of(folder, form="documents", files=None, **changes):
    """The id of each passage and of its document, by its text."""
    for name, content in (files or {}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    options = {"name": form, "files": ["**/*"]}
    passages, _, _ = ingest(InFiles(folder), params(format=options, max_characters=150, **changes))
    return {row["text"]: (row["passage_id"], row["document_id"]) for row in passages.iter_rows(named=True)}


CHANGES = {
    "removed": {"a.jsonl": lines(TEXTS[:2] + TEXTS[3:])},
    "sorted": {"a.jsonl": lines(sorted(TEXTS, key=lambda text: text[::-1]))},
    "split": {"a.jsonl": lines(TEXTS[7:]), "b/c.jsonl": lines(TEXTS[:7])},
    "renamed": {"web-2026.jsonl": lines(TEXTS)},
    "put behind another": {"a.jsonl": lines(["A first note, about nothing much at all.", *TEXTS])},
    "gzip": {"a.jsonl.gz": gzip.compress(lines(TEXTS), mtime=0)},
    "with blank lines and marks": {"a.jsonl": b"\xef\xbb\xbf" + lines(TEXTS).replace(b"\n", b"\r\n\n")},
    "one list": {"a.json": json.dumps([{"text": text, "n": 1} for text in TEXTS]).encode()},
    "one file each": {f"{n}.txt": text.encode() for n, text in enumerate(TEXTS)},
}


@pytest.mark.parametrize(
    ("form", "change"),
    [*(("documents", change) for change in CHANGES), ("markdown", "sorted"), ("latex", "split")],
)
def test_ids_stay(tmp_path, change, form):
    before = of(tmp_path / "before", form, {"a.jsonl": lines(TEXTS)})
    after = of(tmp_path / "moved" / "after", form, CHANGES[change])
    both = before.keys() & after.keys()
    assert len(both) >= len(before) - 4
    # A section shared by two documents belongs to the first of them.
    shared = {text for text in both if "Shared" in text or "enough" in text}
    assert {text: before[text][0] for text in both} == {text: after[text][0] for text in both}
    assert {text: before[text] for text in both - shared} == {text: after[text] for text in both - shared}


def test_ids_stay_in_a_table(tmp_path):
    before = of(tmp_path / "before", files={"a.jsonl": lines(TEXTS)})
    folder = tmp_path / "after"
    folder.mkdir()
    pl.DataFrame({"text": TEXTS, "n": [None] * 12}).write_parquet(folder / "a.parquet")
    assert of(folder) == before
    (folder / "a.parquet").unlink()
    pl.DataFrame({"text": TEXTS}).write_csv(folder / "a.csv")
    assert of(folder) == before


def test_a_documents_own_id_is_its_id(tmp_path):
    rows = [{"key": f"k{n}", "text": text} for n, text in enumerate(TEXTS)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in reversed(rows)))
    options = {"name": "documents", "files": ["*"], "id": "key"}
    passages, _, _ = ingest(InFiles(tmp_path), params(format=options, max_characters=150))
    assert set(passages["document_id"]) == {f"k{n}" for n in range(12)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return of(tmp_path_factory.mktemp("whole"), files={"a.jsonl": lines(TEXTS)})


@settings(max_examples=10)
@given(st.permutations(range(12)), st.sets(st.integers(0, 11), max_size=6), st.integers(1, 12))
def test_any_part_in_any_order_gives_the_ids_of_the_whole(whole, tmp_path_factory, order, removed, first):
    kept = [TEXTS[n] for n in order if n not in removed]
    files = {"a.jsonl": lines(kept[:first]), "b.jsonl": lines(kept[first:])}
    part = of(tmp_path_factory.mktemp("part"), files=files)
    assert {text: ids[0] for text, ids in part.items()}.items() <= {t: i[0] for t, i in whole.items()}.items()
