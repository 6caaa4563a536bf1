"""Marks of a worker are found in a text, and nothing else is mistaken for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.sandbox.addresses import layout_of
from jz3.sandbox.marks import Marks
from jz3.sandbox.result import Ending, result_of

HEAP, LIBRARIES = range(0x5581C0AB1000, 0x5581C2AB1000), range(0x7F3A10000000, 0x7F3A30000000)
MARKS = Marks(folder="/tmp/jz3-sandbox-1", uid=2_000_000_017, address_ranges=(HEAP, LIBRARIES))
NOTHING = Marks(folder="", uid=None, address_ranges=())
SHAPES = (
    "{0:#x}", "<map object at {0:#x}>", "{0}", "id={0}", "[{0}, 1]", "({0:#X})", "at {0}.", "{0}\n",
    "{0:#018x}", "-{0}", "<Symbol {0:#x}>, x",
)  # fmt: skip

MAPS = """\
555555554000-555555a00000 r-xp 00000000 fe:00 1234   /usr/bin/python3.11
555555a00000-555556000000 rw-p 00000000 00:00 0      [heap]
7fffeb000000-7fffeb700000 rw-p 00000000 00:00 0
7ffff7fc1000-7ffff7fc3000 r-xp 00000000 00:00 0      [vdso]
7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0      [stack]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]
"""

addresses = st.sampled_from([HEAP, LIBRARIES]).flatmap(lambda place: st.integers(place.start, place.stop - 1))


@given(address=addresses, shape=st.sampled_from(SHAPES), around=st.text(alphabet="ab \n(),", max_size=20))
def test_an_address_is_found_however_it_is_printed(address: int, shape: str, around: str) -> None:
    text = f"{around} {shape.format(address)} {around}"
    assert "address" in MARKS.in_text(text)
    assert NOTHING.in_text(text) == ""


@given(address=addresses)
def test_the_hash_of_an_object_is_its_address(address: int) -> None:
    assert "address" in MARKS.in_text(f"{address >> 4}\n")


@given(number=st.one_of(st.integers(0, 10**9), st.integers(10**16, 10**60), st.floats(0, 10**6)))
def test_other_numbers_are_no_addresses(number: float) -> None:
    assert MARKS.in_text(f"x = {number}, {number:.15f}") == ""


def test_digits_of_a_fraction_or_a_word_are_no_address() -> None:
    address = LIBRARIES.start
    assert MARKS.in_text(f"0.{address} {address}.5 x{address} {address}x 1e{address} {'9' * 5000}") == ""


@pytest.mark.parametrize("text", ["/tmp/jz3-sandbox-1", "in '/tmp/jz3-sandbox-1/a'", "uid=2000000017"])
def test_the_folder_and_the_user_of_a_worker_are_found(text: str) -> None:
    assert MARKS.in_text(text)
    assert NOTHING.in_text(text) == ""


@pytest.mark.parametrize(
    ("stdout", "stderr"), [("2000000017\n", ""), ("", "a\nKeyError: 'uid 2000000017'\n")]
)
def test_what_prints_a_mark_has_no_result(stdout: str, stderr: str) -> None:
    ending = Ending(stdout=stdout, stderr_tail=stderr, exit_code=1, signal=0, stopped="", setup_error="")
    result = result_of(ending, MARKS)
    assert (result.status, result.stdout) == ("unstable", "")
    assert "user" in result.error
    assert result_of(ending, NOTHING).status == "error"


def test_a_layout_parts_where_most_is_empty() -> None:
    layout = layout_of(MAPS)
    assert (layout.lower, layout.upper) == (
        range(0x555555554000, 0x555556000000),
        range(0x7FFFEB000000, 0x7FFFFFFFF000),
    )
    lower, upper = layout.with_room(0x1000)
    assert (lower.stop, upper.start) == (0x555556001000, 0x7FFFEAFFF000)
    assert layout.mapping_units(1 << 30) == range(0x7FFE, 0x8000)
