"""Stores written before journals were named by their contents: rows that were paid for.

Written by the code of 2026-11-21: a journal of two commits, and a segment. They are read as they are here.
"""

import json
from base64 import b85decode

from jz3.store import writer as writer_module
from jz3.store.row_store import Operation, RowStore, request_key

OPERATION = Operation("test", 1)
JOURNAL = b85decode(
    "s%m;O%^hIKzU?&%77?bJC^e9o01f~E01^NI04@N}V%b^ZIC~;=Wq5QVIwEgwWg>lhB6N3YV`U;bB5!VGZ*FBGeX44DGkv{}@Ms_M"
    "pa`z2h9!}%K>!s1001BW00226+?{P39xHnybY*ySB03^^cV%fH!m4U|Ga`L^B6N3YV`U;bB6@daX&}O?YI-wzcV%fH!m4U|Ga`Me"
    "YI-vwQzWct5ZjJCB7JiYz}e>k4gdfE5&!@Io6_gc%?~Eidm?mYcyuB<BJH5PB7J)zba!cEWg<Ev?V!EwpuHk}s%m;OHsf{SPK|gX"
    "O-fv0v~}sd0S^EG02BZK0151a26n9HHG3j-Wq5QVIwE#yWpW~Ydm?mqX=7y~IwE#yWpZ|DWpW~Y"
)
SEGMENT = b85decode(
    "s%m;OlTyT<n@m?n559mv&@he_01yBG02TlM0H=oUw+gAx)q5gzWq5QVIwEsrXCN^meS0EwcWGl~B03^-WoIBUb7f~BF(Q4cYI-wA"
    "GanbpQ#Mx4vK?>H0njx85C8xG761SMPKnD7=PM^Hdm?mYcyuB<B6DSDATlC-dm?mqX=7y~IwEsrXCN|jWoIBVB7IgiQ^^+}Ge<{P"
    "Oq-s>Qj;~%0nu+Avd$HbFwj7Nz7I<P000000000000000003%wGc9s&cXI*&00000005Q%00000003p~bBq"
)
TEXTS = ["one", "zwei ªjz3", "\ud83d", "vier", "seg 1", "seg 2"]
ROWS = {request_key(OPERATION, {"text": text}): {"twice": text * 2} for text in TEXTS}


def old_store(root):
    directory = root / "test@1"
    directory.mkdir()
    (directory / "0c7f1f7f0a6b4b0f8b0a7a3d2f3c4d5e.journal").write_bytes(JOURNAL)
    (directory / "1c7f1f7f0a6b4b0f8b0a7a3d2f3c4d5e.segment").write_bytes(SEGMENT)
    return RowStore(root)


def test_an_old_store_is_read_whole_and_is_whole(tmp_path):
    store = old_store(tmp_path)
    assert store.known(OPERATION, ROWS) == ROWS
    assert {row.key: row.request["text"] for row in store.rows(OPERATION)} == dict(
        zip(ROWS, TEXTS, strict=True)
    )
    assert store.damages() == []
    store.compact()
    assert [path.suffix for path in (tmp_path / "test@1").iterdir() if path.stat().st_size] == [".segment"]
    assert RowStore(tmp_path).known(OPERATION, ROWS) == ROWS


def test_one_bit_in_the_last_header_of_an_old_journal_costs_its_row_alone(tmp_path):
    old_store(tmp_path)
    [journal] = tmp_path.rglob("*.journal")
    last = JOURNAL.rfind(b"\xaajz3")
    first_flush = JOURNAL[: JOURNAL.rfind(b"\xaajz3", 0, last)]
    for place in range(last, last + 37):
        for content in (JOURNAL, first_flush + JOURNAL[last:]):
            damaged = bytearray(content)
            damaged[len(content) - len(JOURNAL) + place] ^= 1
            journal.write_bytes(damaged)
            found = RowStore(tmp_path).known(OPERATION, ROWS)
            assert len(found) == 5 - (content != JOURNAL)
            [damage] = RowStore(tmp_path).damages()
            assert damage.at == len(content) - len(JOURNAL) + last


def test_what_is_written_today_are_the_same_bytes(tmp_path, monkeypatch):
    with RowStore(tmp_path / "a").writer(OPERATION) as writer:
        for group in (TEXTS[:3], TEXTS[3:4]):
            for text in group:
                request = {"text": text}
                kept = writer.append(request_key(OPERATION, request), request, {"twice": text * 2})
                assert json.loads(kept.decode("utf-8", "surrogatepass")) == {"twice": text * 2}
            writer.commit()
    [journal] = (tmp_path / "a").rglob("*.journal")
    assert journal.read_bytes() == JOURNAL
    monkeypatch.setattr(writer_module, "SEGMENT_BYTES", 1)
    with RowStore(tmp_path / "b").writer(OPERATION) as writer:
        for text in TEXTS[4:]:
            writer.append(request_key(OPERATION, {"text": text}), {"text": text}, {"twice": text * 2})
        writer.commit()
    [segment] = (tmp_path / "b").rglob("*.segment")
    assert segment.read_bytes() == SEGMENT
