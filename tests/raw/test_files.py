"""Rows of every kind of file are the same rows; what is not a row is odd with its place, and memory is
bounded.
"""

import bz2
import csv
import gzip
import json
import lzma
import os
import re
import subprocess
import sys
import zipfile

import datasets
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.raw.files import field, read_rows
from jz3.raw.row import MOST_BYTES, Odd, RawFileError, whole

ROWS = [
    {"text": "An even number.\nTwice a whole one, é and 𝒳.", "id": "a"},
    {"text": 'A "quoted" word, and a comma', "id": "b"},
    {"text": "", "id": "c"},
]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()


def read(folder, *names):
    files = [folder / name for name in names] or sorted(path for path in folder.rglob("*") if path.is_file())
    return [found for _, found in read_rows(files, folder)]


def zst(data):
    return pa.compress(data, codec="zstd", asbytes=True)


KINDS = {
    "a.jsonl": LINES,
    "a.ndjson": LINES.replace(b"\n", b"\r\n"),
    "a.json": json.dumps(ROWS, indent=1).encode(),
    "b.json": LINES,
    "a.jsonl.gz": gzip.compress(LINES),
    "b.jsonl.gz": gzip.compress(LINES[:50]) + gzip.compress(LINES[50:]),
    "a.jsonl.bz2": bz2.compress(LINES),
    "a.jsonl.xz": lzma.compress(LINES),
    "a.jsonl.zst": zst(LINES),
    "b.jsonl.zst": zst(LINES[:50]) + zst(LINES[50:]),
    "utf8.jsonl": b"\xef\xbb\xbf" + LINES,
    "utf16.jsonl": LINES.decode().encode("utf-16"),
    "utf16be.jsonl": "\ufeff".encode("utf-16-be") + LINES.decode().encode("utf-16-be"),
    "utf32.jsonl": LINES.decode().encode("utf-32"),
    "utf16.json": json.dumps(ROWS).encode("utf-16"),
    "list.jsonl": json.dumps(ROWS).encode(),
    "list over lines.jsonl.gz": gzip.compress(json.dumps(ROWS, indent=1).encode()),
}


@pytest.mark.parametrize("name", KINDS)
def test_rows_of_json_are_read_in_any_wrapping(tmp_path, name):
    (tmp_path / name).write_bytes(KINDS[name])
    assert [row for _, row in read(tmp_path)] == ROWS


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("a.tsv", "\t")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_rows_of_csv_are_read(tmp_path, name, delimiter, encoding):
    with (tmp_path / name).open("w", newline="", encoding=encoding) as file:
        writer = csv.DictWriter(file, ["text", "id"], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(ROWS)
    assert read(tmp_path) == list(zip([f"{name} line {n}" for n in (2, 4, 5)], ROWS, strict=True))


@pytest.mark.parametrize(
    "content",
    [
        'text, id\rTwo,a\r"One\rmore",b\r',
        '\n\r\n text ,id\r\nTwo,a\r\n\r\n"One\rmore",b',
        '\ntext;id\nTwo;a\n"One\rmore";b',
    ],
)
def test_lines_of_any_ending_blank_ones_and_blanks_in_the_header_are_read(tmp_path, content):
    (tmp_path / "a.csv").write_text(content, newline="")
    assert [row for _, row in read(tmp_path)] == [
        {"text": "Two", "id": "a"},
        {"text": "One\rmore", "id": "b"},
    ]


def test_semicolons_part_fields_where_the_header_has_them(tmp_path):
    (tmp_path / "a.csv").write_text('text;id\n"An even; number, twice";a\n')
    assert [row for _, row in read(tmp_path)] == [{"text": "An even; number, twice", "id": "a"}]


def test_one_object_over_lines_is_a_row(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(ROWS[0], indent=2))
    assert read(tmp_path) == [("a.json entry 1", ROWS[0])]


@pytest.mark.parametrize("name", ["a.jsonl", "a.txt"])
def test_wide_characters_without_a_mark_are_named(tmp_path, name):
    (tmp_path / name).write_bytes(LINES.decode().encode("utf-16-le"))
    try:
        reason = read(tmp_path)[0][1].reason
    except RawFileError as error:  # none of its lines is a row
        reason = str(error)
    assert re.search("UTF-16 .*without a byte order mark", reason)


@settings(max_examples=30)
@given(st.lists(st.fixed_dictionaries({"text": st.text(), "id": st.text(min_size=1)}), min_size=1))
def test_any_texts_are_the_same_in_json_csv_and_parquet(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("rows")
    rows = [{name: whole(text).replace("\r", "") for name, text in row.items()} for row in rows]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with (folder / "a.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["text", "id"], quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    pl.DataFrame(rows).write_parquet(folder / "a.parquet")
    for name in ("a.jsonl", "a.csv", "a.parquet"):
        assert [row for _, row in read(folder, name)] == rows, name


def test_tables_are_read_whatever_their_columns(tmp_path):
    table = pa.table(
        {
            "text": pa.array(["One.", "Two.", None], pa.large_string()),
            "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
            "meta": pa.array([{"title": "T", "tags": ["x"]}, None, {"title": None, "tags": []}]),
            "nothing": pa.nulls(3),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    rows = read(tmp_path)
    assert [row["text"] for _, row in rows] == ["One.", "Two.", None]
    assert rows[0] == (
        "a.parquet row 1",
        {"text": "One.", "kind": "a", "meta": {"title": "T", "tags": ["x"]}, "nothing": None},
    )
    assert field(rows[0][1], "meta.title") == "T"
    assert [field(row, "meta.tags") for _, row in rows] == [["x"], None, []]
    wanted = [row for _, (_, row) in read_rows([tmp_path / "a.parquet"], tmp_path, {"text", "none"})]
    assert wanted[0] == {"text": "One."}


def test_a_folder_of_datasets_is_read_without_its_notes(tmp_path):
    saved = datasets.DatasetDict({"train": datasets.Dataset.from_list(ROWS * 2).shuffle(seed=1)})
    saved.save_to_disk(tmp_path)
    (tmp_path / "train" / "cache-1.arrow").write_bytes(b"left over")
    found = [row for _, row in read(tmp_path)]
    assert sorted(map(str, found)) == sorted(map(str, ROWS * 2))


@pytest.mark.parametrize(
    ("name", "content", "rule", "place"),
    [
        ("a.jsonl", b'{"a": 1}\n{"a": "caf\xe9"}\n{"a": 2}', "not_utf8", "a.jsonl line 2"),
        ("a.jsonl", b'{"a": 1}\n{"a": "\xed\xa0\x80"}\n{"a": 2}', "not_utf8", "a.jsonl line 2"),
        ("a.csv", b"a,b\n1,2\n1,caf\xe9\n3,4\n", "not_utf8", "a.csv line 3"),
        ("a.csv", b'a,b\n1,2\n\n1,2,3\n"x"y,3\n4,5\n', "columns_differ", "a.csv line 4"),
        ("a.csv", b'a,b\n1,2\n"x"y,3\n4,5\n', "not_csv", "a.csv line 3"),
        ("a.csv", b'a,b\n1,2\n"x,3\n4,5\n', "not_csv", "a.csv line 3"),
        ("a.txt", b"fine\ncaf\xe9", "not_utf8", "a.txt"),
        ("a.md", b"fine\ncaf\xe9", "not_utf8", "a.md"),
        ("a.tex", b"fine\ncaf\xe9", "not_utf8", "a.tex"),
    ],
)
def test_what_is_no_row_is_odd_with_its_place(tmp_path, name, content, rule, place):
    (tmp_path / name).write_bytes(content)
    (found, odd), *_ = [(place, row) for place, row in read(tmp_path) if isinstance(row, Odd)]
    assert (odd.rule, found) == (rule, place)
    if not name.startswith("a.j") and rule == "not_utf8":
        assert "0xe9, which is not UTF-8; it may be ISO 8859-1 (Latin-1)" in odd.reason
    if place == name:
        assert odd.reason.startswith("line 2 is")


@pytest.mark.parametrize("kind", [gzip.compress, bz2.compress, lzma.compress, zst])
def test_a_cut_off_file_is_damaged(tmp_path, kind):
    ending = {gzip.compress: "gz", bz2.compress: "bz2", lzma.compress: "xz", zst: "zst"}[kind]
    noise = "".join(json.dumps({"text": os.urandom(40).hex()}) + "\n" for _ in range(3000)).encode()
    (tmp_path / f"a.jsonl.{ending}").write_bytes(kind(noise)[:-200])
    with pytest.raises(RawFileError, match=rf"a.jsonl.{ending} is damaged after line \d+ .*Fetch it again"):
        read(tmp_path)


def test_a_damaged_table_is_named(tmp_path):
    noise = b"no table at all, but long enough to be looked at"
    for name, content, said in (
        ("a.parquet", b"PAR1\x15" + noise, "is damaged after row 0"),
        ("a.arrow", noise, "is damaged after row 0"),
        ("a.parquet", noise, "begins with b'no table at all,', as no parquet file does"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RawFileError, match=re.escape(f"{name} {said}")):
            read(tmp_path, name)


def test_bombs_take_no_more_memory_than_a_row_may(tmp_path):
    """128 MB in one line, compressed to a megabyte."""
    with gzip.open(tmp_path / "a.jsonl.gz", "wb", 1) as file:
        file.write(b'{"text": "before"}\n{"text": "')
        for _ in range(32):
            file.write(b"a" * 2**22)
        file.write(b'"}\n{"text": "behind"}\n')
    program = (
        "import sys; from pathlib import Path; from jz3.raw.files import read_rows\n"
        "rows = read_rows([Path(sys.argv[1])], Path(sys.argv[2]))\n"
        "found = [getattr(row, 'rule', row) for _, (_, row) in rows]\n"
        "peak = Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]\n"
        "print(found, int(peak) * 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "a.jsonl.gz", tmp_path],
        capture_output=True,
        text=True,
        check=True,
    )
    found, _, peak = done.stdout.strip().rpartition(" ")
    assert found == "[{'text': 'before'}, 'too_long', {'text': 'behind'}]"
    assert int(peak) < 8 * MOST_BYTES  # some 130 MB for any length (measured), half of it for imports


def test_files_that_take_in_one_another_are_one_text(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "main.tex").write_text(
        "A\\input{parts/one}B % \\input{parts/two}\n\\include{ parts/two.tex }C\\input gone "
        "D\\\\input{parts/one}"
    )
    (tmp_path / "parts/one.tex").write_text("[1\\input{two}\\input{../../secret}]")
    (tmp_path / "parts/two.tex").write_text("(2\\input{one})")
    (tmp_path / "alone.tex").write_text("E")
    (tmp_path.parent / "secret.tex").write_text("secret")
    found = read(tmp_path)
    assert found == [
        ("alone.tex", {"text": "E"}),
        (
            "main.tex",
            {
                "text": "A[1(2\\input{one})\\input{../../secret}]B % \\input{parts/two}\n(2[1\\input{two}"
                "\\input{../../secret}])C\\input gone D\\\\input{parts/one}"
            },
        ),
    ]


def test_files_that_take_in_one_another_for_ever_end(tmp_path):
    (tmp_path / "a.tex").write_text("a\\input{b}")
    (tmp_path / "b.tex").write_text("b\\input{a}")
    assert read(tmp_path) == [("a.tex", {"text": "ab\\input{a}"})]
    for number in range(20):
        (tmp_path / f"n{number}.tex").write_text(f"\\input{{n{number + 1}}}\\input{{n{number + 1}}}")
    (tmp_path / "n20.tex").write_text("end")
    assert {place: getattr(row, "rule", None) for place, row in read(tmp_path)}["n0.tex"] == "too_long"


PLAIN = {"a.jsonl": LINES, "a.json": LINES, "a.csv": b"text,id\nOne,1\n"}
PACKING = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zst}


@pytest.mark.parametrize("ending", PACKING)
@pytest.mark.parametrize("name", PLAIN)
def test_a_file_of_another_kind_than_its_name_says_is_named_with_its_own(tmp_path, name, ending):
    """Its bytes were called windows-1252."""
    packed = PACKING[ending](PLAIN[name])
    for content in (packed, packed[:40]):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(
            RawFileError, match=rf"{name} is \w+ by its first .* Rename it to {name}{ending}\."
        ):
            read(tmp_path, name)
    (tmp_path / f"{name}{ending}").write_bytes(PLAIN[name])
    with pytest.raises(RawFileError, match=rf"does not begin as {ending} does.* rename it to {name}\."):
        read(tmp_path, f"{name}{ending}")


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.feather", "a.parquet", "a.jsonl.gz", "table"])
def test_tables_and_archives_under_another_name_are_named(tmp_path, name):
    table = pl.DataFrame(ROWS)
    for write, own in ((table.write_parquet, ".parquet"), (table.write_ipc, ".arrow")):
        write(tmp_path / name)
        if name.endswith(own) or (name, own) == ("a.feather", ".arrow"):
            assert [row for _, row in read(tmp_path, name)] == ROWS
        else:
            with pytest.raises(RawFileError, match=rf"by its first bytes.* Rename it to \S+{own}\."):
                read(tmp_path, name)
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("a.jsonl", LINES)
    with pytest.raises(RawFileError, match=f"{name} is a zip archive by its first bytes"):
        read(tmp_path, name)


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet", "a.csv", "a.jsonl.gz"])
def test_a_pointer_of_git_lfs_is_named(tmp_path, name):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    (tmp_path / name).write_bytes(pointer)
    with pytest.raises(RawFileError, match=rf"{name} is a pointer of Git LFS.*git lfs pull"):
        read(tmp_path, name)


@pytest.mark.parametrize("start", [b"PAR1 is a course.", b"BZh9 is a name.", b"PK", b"%PDF"])
def test_a_text_that_begins_as_another_kind_of_file_is_a_text(tmp_path, start):
    (tmp_path / "a.txt").write_bytes(start)
    (tmp_path / "a.csv").write_bytes(b"text\n" + start + b"\n")
    assert [row for _, row in read(tmp_path)] == [{"text": start.decode()}] * 2


def test_a_packed_file_among_texts_is_named_as_what_it_is(tmp_path):
    (tmp_path / "a.txt").write_bytes(gzip.compress(LINES))
    ((_, odd),) = read(tmp_path)
    assert (odd.rule, odd.reason) == ("not_utf8", "it is gzip by its first bytes, and no text")


@pytest.mark.parametrize("ending", ["feather", "ipc"])
@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
def test_feather_is_read_as_arrow(tmp_path, ending, compression):
    pl.DataFrame(ROWS).write_ipc(tmp_path / f"a.{ending}", compression=compression)
    assert read(tmp_path) == [(f"a.{ending} row {n}", row) for n, row in enumerate(ROWS, 1)]


def test_texts_that_a_table_does_not_mark_as_such_are_texts(tmp_path):
    """Columns of bytes, as Hive and Impala write texts; an image stays as it is."""
    kinds = [("text", pa.binary()), ("wide", pa.large_binary()), ("image", pa.binary())]
    rows = [
        {"text": "é".encode(), "wide": b"b", "image": b"\x89PNG"},
        dict.fromkeys(("text", "wide", "image")),
    ]
    table = pa.Table.from_pylist(rows, pa.schema(kinds))
    pq.write_table(table, tmp_path / "a.parquet")
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as arrow:
        arrow.write_table(table)
    wanted = [{"text": "é", "wide": "b", "image": b"\x89PNG"}, rows[1]]
    assert [row for _, row in read(tmp_path)] == wanted * 2


@pytest.mark.parametrize("number", ["1e400", "-1E+999", "9" * 400 + ".5"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_a_number_beyond_floats_stays_as_it_is_written(tmp_path, name, number):
    line = f'{{"a": {number}, "b": [{number}, 0.5, 1e-400]}}'
    (tmp_path / name).write_text(f"{line}\n" if name == "a.jsonl" else f"[{line}]")
    assert [row for _, row in read(tmp_path)] == [{"a": number, "b": [number, 0.5, 0.0]}]


def test_the_files_of_mmlu_have_no_header(tmp_path):
    (tmp_path / "a.csv").write_text(
        'What is 2+2?,3,4,5,6,B\n"Which, of these, is odd?",1,2,4,6,A\nno item,1\nWhy?,a,b,c,d,D\n'
    )
    rows = [row for _, row in read(tmp_path)]
    assert rows[0] == {"question": "What is 2+2?", "choices": ["3", "4", "5", "6"], "answer": "B"}
    assert rows[2].rule == "columns_differ"
    assert [row["answer"] for row in rows if isinstance(row, dict)] == ["B", "A", "D"]
    for header in ("question,A,B,C,D,answer", "id,question,A,B,C,D"):
        (tmp_path / "a.csv").write_text(f"{header}\nWhy?,a,b,c,d,D\n")
        assert [row for _, row in read(tmp_path)] == [
            dict(zip(header.split(","), ["Why?", *"abcd", "D"], strict=True))
        ]
