"""Writes `cases.jsonl`: pairs of answers whose labels are true by construction.

Each family builds a value and writes it in several ways (equal), then changes the value (different). Run
`python -m tests.answers.make_cases` after a change; a test compares the file with this program. The pairs
that `written.txt` lists by hand come first.
"""

import json
from collections.abc import Iterator
from fractions import Fraction
from math import gcd
from pathlib import Path

HERE = Path(__file__).parent
CASES = HERE / "cases.jsonl"
WRITTEN = HERE / "written.txt"

Case = tuple[str, str, bool, str]

INTEGERS = [
    1,
    2,
    3,
    7,
    9,
    12,
    18,
    25,
    36,
    64,
    99,
    144,
    180,
    225,
    400,
    999,
    1024,
    2500,
    6174,
    12600,
    98765,
    1234567,
]


def integers() -> Iterator[Case]:
    for n in INTEGERS:
        for text, why in [
            (f"{n}.0", "point zero"),
            (f"\\${n}", "dollar sign"),
            (f"${n}$", "math dollars"),
            (f"\\boxed{{{n}}}", "boxed"),
            (f"\\frac{{{3 * n}}}{{3}}", "fraction that is whole"),
            (f"\\sqrt{{{n * n}}}", "root of a square"),
            (f"{n}\\text{{ marbles}}", "unit on one side"),
            (f"{n} marbles", "unit in plain words"),
            (f"x = {n}", "name on one side"),
            (f"{n - 1} + 1", "a sum"),
            (f"{n}.", "full stop"),
            (f"0{n}", "leading zero"),
            (f"+{n}", "plus sign"),
            (f"\\left({n}\\right)", "brackets around a number"),
        ]:
            yield str(n), text, True, f"integer: {why}"
        if n >= 1000:
            for mark in (",", "{,}", ",\\!", "\\,"):
                yield str(n), f"{n:,}".replace(",", mark), True, "integer: thousands separator"
        for text, why in [
            (str(n + 1), "next integer"),
            (str(-n), "sign"),
            (str(10 * n), "ten times"),
            (str(100 * n), "hundred times: percent without a sign"),
            (f"{n},{n % 9 + 1}", "digit appended as a list"),
            (f"{n}.01", "a little more"),
            (f"y = {n + 1}", "other value under a name"),
            (f"{n}^2 + {n}", "other expression"),
            (f"{n}x", "a letter"),
            (f"\\frac{{{n}}}{{{n + 1}}}", "a fraction of it"),
        ]:
            yield str(n), text, False, f"integer: {why}"
        if n > 9:
            yield str(n), ", ".join(str(n)), False, "integer: list of its digits"


def fractions() -> Iterator[Case]:
    for top, bottom in [
        (1, 2),
        (3, 4),
        (7, 8),
        (5, 16),
        (2, 3),
        (17, 21),
        (35, 64),
        (14, 3),
        (9, 100),
        (11, 36),
    ]:
        a = f"\\frac{{{top}}}{{{bottom}}}"
        decimal = f"{top / bottom:.10f}"
        for text, why in [
            (f"\\dfrac{{{top}}}{{{bottom}}}", "dfrac"),
            (f"{top}/{bottom}", "slash"),
            (f"\\frac{{{5 * top}}}{{{5 * bottom}}}", "scaled"),
            (decimal, "decimal of ten places"),
            (f"\\frac {{ {top} }} {{ {bottom} }}", "spaces"),
            (f"{top} \\div {bottom}", "division sign"),
            (f"\\left(\\frac{{{top}}}{{{bottom}}}\\right)", "brackets"),
            (f"1 - \\frac{{{bottom - top}}}{{{bottom}}}", "a difference"),
            (f"\\frac{{-{top}}}{{-{bottom}}}", "two signs"),
            (f"{top} \\cdot {bottom}^{{-1}}", "a power"),
        ]:
            yield a, text, True, f"fraction: {why}"
        for text, why in [
            (f"\\frac{{{bottom}}}{{{top}}}", "swapped"),
            (f"-\\frac{{{top}}}{{{bottom}}}", "sign"),
            (f"\\frac{{{top + 1}}}{{{bottom}}}", "digit above"),
            (f"\\frac{{{top}}}{{{bottom + 1}}}", "digit below"),
            (f"{top}:{bottom}", "a ratio is no number"),
            (f"{top}, {bottom}", "a list is no number"),
            (f"{top / bottom:.3f}1", "decimal too short to be within 1e-6"),
        ]:
            yield a, text, False, f"fraction: {why}"
        digits = str(bottom)
        if len(digits) > 1:
            moved = f"\\frac{{{top}{digits[0]}}}{{{digits[1:]}}}"
            yield a, moved, False, "fraction: shifted brace"


def mixed_numbers() -> Iterator[Case]:
    for whole, top, bottom in [(3, 1, 2), (1, 4, 5), (137, 1, 2), (2, 3, 8), (10, 1, 4), (5, 7, 16)]:
        value = Fraction(whole) + Fraction(top, bottom)
        a = f"{whole}\\frac{{{top}}}{{{bottom}}}"
        for text, why in [
            (str(float(value)), "decimal"),
            (f"\\frac{{{value.numerator}}}{{{value.denominator}}}", "improper fraction"),
            (f"{whole} {top}/{bottom}", "plain"),
            (f"{whole} \\frac{top}{bottom}" if bottom < 10 else a, "fraction without braces"),
            (f"{whole}+\\frac{{{top}}}{{{bottom}}}", "sum"),
            (f"{whole} {top}/{bottom} cups", "unit"),
        ]:
            yield a, text, True, f"mixed number: {why}"
        product = whole * Fraction(top, bottom)
        yield a, f"\\frac{{{product.numerator}}}{{{product.denominator}}}", False, "mixed number: no product"
        yield a, f"{whole + 1}\\frac{{{top}}}{{{bottom}}}", False, "mixed number: other whole"
        yield a, f"-{a}", False, "mixed number: sign"
        yield f"-{a}", str(-float(value)), True, "mixed number: the sign holds for both parts"


def decimals() -> Iterator[Case]:
    for text in ["1.25", "4.5", "0.15", "18.90", "0.0000672", "3.375", "12.5", "250.75"]:
        value = Fraction(text)
        for other, why in [
            (text + "0", "trailing zero"),
            (f"\\frac{{{value.numerator}}}{{{value.denominator}}}", "fraction"),
            (f"{float(value):.6e}", "scientific"),
            (f"{100 * value.numerator / value.denominator:.10g}\\%", "percent"),
            (f"\\${text}", "dollars"),
            (f"{text}\\text{{ cm}}", "unit"),
        ]:
            yield text, other, True, f"decimal: {why}"
        for other, why in [
            (f"-{text}", "sign"),
            (f"{10 * float(value):.10g}", "ten times"),
            (f"{100 * float(value):.10g}", "hundred times without a percent sign"),
            (f"{1.00001 * float(value):.12g}", "one part in 100,000"),
            (f"{1.01 * float(value):.10g}", "one percent more"),
        ]:
            yield text, other, False, f"decimal: {why}"
    for n in (5, 12, 25, 50, 75, 150):
        yield f"{n}\\%", f"{n}", True, "percent: sign missing"
        yield f"{n}\\%", f"{n / 100}", True, "percent: as a fraction"
        yield f"{n}\\%", f"{n} percent", True, "percent: as a word"
        yield f"{n}\\%", f"{n}.0%", True, "percent: point zero"
        yield f"{n / 100}", f"{n}", False, "percent: no sign on either side"
        yield f"{n}\\%", f"{n + 1}\\%", False, "percent: other value"
        yield f"{n}\\%", f"{100 * n}\\%", False, "percent: hundred times, both with the sign"
    for mantissa, exponent in [(4.5, 33), (2.25, 8), (6.1, 5), (1.6, 19)]:
        a = f"{mantissa} \\times 10^{{{exponent}}}"
        yield a, f"{mantissa}e{exponent}", True, "scientific: e"
        yield a, f"{mantissa}\\cdot10^{{{exponent}}}", True, "scientific: dot"
        yield a, f"{mantissa} * 10**{exponent}", True, "scientific: stars"
        yield a, f"{mantissa} \\times 10^{{{exponent + 1}}}", False, "scientific: exponent"
        yield a, f"{mantissa + 0.1:.3g} \\times 10^{{{exponent}}}", False, "scientific: mantissa"
        yield a, f"{mantissa} \\times 10^{{-{exponent}}}", False, "scientific: sign of the exponent"


def polynomials() -> Iterator[Case]:
    for x in ("x", "a", "n", "t"):
        for p, q in [(1, 2), (3, -4), (-5, 2), (6, 7)]:
            s, m = p + q, p * q
            expanded = f"{x}^2 {s:+d}{x} {m:+d}"
            factored = f"({x}{p:+d})({x}{q:+d})"
            for text, why in [
                (factored, "factored"),
                (f"({x}{q:+d})({x}{p:+d})", "factors swapped"),
                (f"{m:+d}{s:+d}{x}+{x}^2", "terms reordered"),
                (f"0+{expanded}", "plus zero"),
                (f"\\frac{{2({expanded})}}{{2}}", "doubled halves"),
                (f"{x}\\cdot {x} {s:+d}\\cdot {x} {m:+d}", "dots"),
                (f"{x} ^ {{ 2 }} {s:+d} {x} {m:+d}", "spaces"),
                (f"y = {expanded}", "name on one side"),
            ]:
                yield expanded, text, True, f"polynomial: {why}"
            other = {"x": "y", "a": "b", "n": "m", "t": "s"}[x]
            for text, why in [
                (f"({x}{p:+d})({x}{q + 1:+d})", "digit in a factor"),
                (f"({x}{p:+d})({other}{q:+d})", "one variable changed"),
                (expanded.replace(x, other), "all variables changed"),
                (f"{x}^2 {-s:+d}{x} {m:+d}", "sign"),
                (f"{x}^3 {s:+d}{x} {m:+d}", "exponent"),
                (f"{x}^2 {s:+d}{x} {m + 1:+d}", "constant"),
                (f"{x}^2 {s:+d}({x} {m:+d})" if s != 1 else f"2{expanded}", "bracket moved"),
            ]:
                yield expanded, text, False, f"polynomial: {why}"
            yield f"2({x}{p:+d})", f"2{x}{p:+d}", False, "polynomial: brackets dropped"
            yield f"({x}{p:+d})^2", f"({x}{p:+d})^3", False, "polynomial: last character"
            yield f"({x}{p:+d})^2{q:+d}", f"({x}{p:+d})^2{q + 1:+d}", False, "polynomial: last constant"


def roots_and_constants() -> Iterator[Case]:
    for k, n in [(2, 3), (3, 13), (11, 5), (6, 2), (4, 7), (2, 113)]:
        a = f"{k}\\sqrt{{{n}}}"
        yield a, f"\\sqrt{{{k * k * n}}}", True, "root: under one root"
        yield a, f"{k} \\cdot \\sqrt {{ {n} }}", True, "root: dot and spaces"
        yield a, f"\\sqrt{{{n}}} \\cdot {k}", True, "root: swapped factors"
        yield a, f"{k}*sqrt({n})", True, "root: plain"
        yield a, f"\\frac{{{k * n}}}{{\\sqrt{{{n}}}}}", True, "root: in the denominator"
        yield a, f"{k * n**0.5:.10f}", True, "root: decimal"
        yield a, f"{k}\\sqrt{{{n}}}\\text{{ cm}}", True, "root: unit"
        yield a, f"{k}\\sqrt{{{n + 1}}}", False, "root: digit under the root"
        yield a, f"{k + 1}\\sqrt{{{n}}}", False, "root: digit before the root"
        yield a, f"-{a}", False, "root: sign"
        yield a, f"\\sqrt{{{k * n}}}", False, "root: factor not squared"
        yield a, f"{k * n**0.5 + 0.002:.3f}", False, "root: decimal too short"
        yield f"1 \\pm {a}", f"1+{a}, 1-{a}", True, "plus-minus: both values"
        yield f"1 \\pm {a}", f"\\{{1-{a}, 1+{a}\\}}", True, "plus-minus: a set"
        yield f"1 \\pm {a}", f"1+{a}", False, "plus-minus: one value"
        yield f"1 \\pm {a}", f"2 \\pm {a}", False, "plus-minus: other centre"
    for k in (2, 7, 12, 288):
        yield f"{k}\\pi", f"\\pi \\cdot {k}", True, "pi: swapped"
        yield f"{k}\\pi", f"{k * 3.141592653589793:.9f}", True, "pi: decimal"
        yield f"{k}\\pi", f"{k} pi", True, "pi: plain"
        yield f"{k}\\pi", f"{k}\\pi \\text{{ square inches}}", True, "pi: unit"
        yield f"{k}\\pi", f"{k + 1}\\pi", False, "pi: digit"
        yield f"{k}\\pi", str(k), False, "pi: left out"
        yield f"{k}\\pi", f"{k}\\pi^2", False, "pi: squared"
        yield f"\\frac{{{k}}}{{\\pi}}", f"{k}\\pi", False, "pi: above"
    for re_part, im_part in [(6, 9), (1, 274), (-2, 7), (3, -4)]:
        a = f"{re_part}{im_part:+d}i"
        yield a, f"{im_part}i{re_part:+d}", True, "complex: order"
        yield a, f"{re_part} {im_part:+d} \\cdot i", True, "complex: dot"
        yield a, f"{re_part}{-im_part:+d}i", False, "complex: conjugate"
        yield a, f"{re_part}{im_part + 1:+d}i", False, "complex: digit"
        yield a, f"{re_part}{im_part:+d}t", False, "complex: letter"


def ordered_and_unordered() -> Iterator[Case]:
    for p, q in [(1, 2), (-2, 1), (8, -2), (0, 9), (3, 12), (-5, -1)]:
        yield f"({p},{q})", f"({p}, {q})", True, "tuple: space"
        yield f"({p},{q})", f"\\left({p},{q}\\right)", True, "tuple: left right"
        yield f"({p},{q})", f"({p}.0, \\frac{{{2 * q}}}{{2}})", True, "tuple: parts in other forms"
        yield f"({p},{q})", f"({q},{p})", False, "tuple: swapped"
        yield f"({p},{q})", f"({p},{q + 1})", False, "tuple: digit"
        yield f"({p},{q})", f"({p},{q},0)", False, "tuple: longer"
        yield f"{p},{q}", f"{q}, {p}", True, "list: order does not matter"
        yield f"{p},{q}", f"\\{{{q},{p}\\}}", True, "list: a set"
        yield f"{p},{q}", f"{p} or {q}", True, "list: or"
        yield f"{p},{q}", f"{p}\\text{{ and }}{q}", True, "list: and"
        yield f"{p},{q}", f"x={p}, x={q}", True, "list: named"
        yield f"x={p}, y={q}", f"y={q}, x={p}", True, "list: names keep their values"
        yield f"x={p}, y={q}", f"x={q}, y={p}", False, "list: names swapped"
        yield f"{p},{q}", f"{p}", False, "list: one missing"
        yield f"{p},{q}", f"{p},{q},{q}", False, "list: one twice"
        yield f"{p},{q}", f"{p},{q + 1}", False, "list: digit"
        yield f"\\{{{p},{q}\\}}", f"({q},{p})", False, "set: a tuple in the other order"
    for p, q in [("0", "1"), ("2", "\\infty"), ("-\\infty", "3"), ("-1", "\\frac{1}{2}"), ("\\sqrt{2}", "5")]:
        forms = [f"{o}{p},{q}{c}" for o in "([" for c in ")]"]
        for i, first in enumerate(forms):
            for second in forms[i + 1 :]:
                yield first, second, False, "interval: open against closed"
            yield (
                first,
                first.replace(",", ", ").replace("[", "\\left[").replace("(", "\\left("),
                True,
                "interval: space",
            )
            yield first, f"x \\in {first}", True, "interval: x in it"
            yield (
                first,
                first.replace(p, p + "1", 1) if p[-1].isdigit() else f"{first[0]}0,{q}{first[-1]}",
                False,
                "interval: other end",
            )
        low = 0 if q == "\\infty" else 7  # distinct from (p, q), so that no part contains another
        a = f"({p},{q})\\cup({low},{low + 1})"
        yield a, f"({low},{low + 1}) \\cup ({p}, {q})", True, "union: order"
        yield a, f"({p},{q})\\cup({low},{low + 2})" if low else f"({p},{q})\\cup(-1,1)", False, "union: digit"
        yield a, f"({p},{q})\\cup[{low},{low + 1})", False, "union: closed end"
        yield a, f"({p},{q})", False, "union: a part missing"


def relations() -> Iterator[Case]:
    pairs = {"<": ("\\lt", ">", "(-\\infty,{})"), ">": ("\\gt", "<", "({},\\infty)")}
    pairs |= {"\\le": ("\\leq", "\\ge", "(-\\infty,{}]"), "\\ge": ("\\geqslant", "\\le", "[{},\\infty)")}
    strict = {"<": "\\le", "\\le": "<", ">": "\\ge", "\\ge": ">"}
    for x in ("x", "m"):
        for value in ("5", "-3", "\\frac{1}{2}"):
            for operator, (spelling, opposite, interval) in pairs.items():
                a = f"{x} {operator} {value}"
                yield a, f"{x} {spelling} {value}", True, "inequality: spelling"
                yield a, f"{value} {opposite} {x}", True, "inequality: turned round"
                yield a, f"2{x} {operator} 2({value})", True, "inequality: doubled"
                yield a, f"-{x} {opposite} -({value})", True, "inequality: times minus one"
                yield a, interval.format(value), True, "inequality: interval"
                yield a, f"{x} {opposite} {value}", False, "inequality: direction"
                yield a, f"{x} {strict[operator]} {value}", False, "inequality: strict"
                yield a, f"y {operator} {value}", False, "inequality: variable"
                yield a, f"{x} {operator} {value}+1", False, "inequality: bound"
                yield a, f"{x} = {value}", False, "inequality: no equation"
                yield a, value, False, "inequality: only the bound"
            yield f"{x} \\ne {value}", f"{x} \\neq {value}", True, "not equal: spelling"
            yield f"{x} \\ne {value}", f"{x} = {value}", False, "not equal: equal"
            yield f"{x} \\ne {value}", f"k \\ne {value}", False, "not equal: variable"
            yield f"{x} = {value}", value, True, "equation: name on one side"
            yield f"{x} = {value}", f"{value} = {x}", True, "equation: sides swapped"
            yield f"{x} = {value}", f"2{x} = 2\\cdot({value})", True, "equation: doubled"
            yield f"{x} = {value}", f"y = {value}", False, "equation: variable"
            yield f"{x} = {value}", f"{x} = -({value})", False, "equation: sign"
    for slope, shift in [(3, 7), (2, -4), (-5, 2), (6, -1)]:
        a = f"y = {slope}x{shift:+d}"
        yield a, f"{slope}x{shift:+d}", True, "line: without y"
        yield a, f"y{-slope:+d}x = {shift}", True, "line: x on the left"
        yield a, f"{slope}x - y {shift:+d} = 0", True, "line: zero on the right"
        yield a, f"2y = {2 * slope}x{2 * shift:+d}", True, "line: doubled"
        yield a, f"y = {slope}x{-shift:+d}", False, "line: sign"
        yield a, f"y = {slope + 1}x{shift:+d}", False, "line: slope"
        yield a, f"x = {slope}y{shift:+d}", False, "line: letters swapped"
        yield a, f"{slope}x - y {shift + 1:+d} = 0", False, "line: constant"
    for low, high in [(1, 3), (-2, 7), (0, 10)]:
        yield f"{low} < x \\le {high}", f"({low},{high}]", True, "chain: interval"
        yield f"{low} < x \\le {high}", f"{high} \\ge x > {low}", True, "chain: turned round"
        yield f"{low} < x < {high}", f"x > {low} and x < {high}", True, "chain: two inequalities"
        yield f"{low} < x \\le {high}", f"{low} \\le x < {high}", False, "chain: ends"
        yield f"{low} < x < {high}", f"{low} < y < {high}", False, "chain: variable"


def matrices() -> Iterator[Case]:
    for a, b, c, d in [(1, 2, 3, 4), (-1, 0, 0, -1), (5, -18, 2, 7)]:
        m = f"\\begin{{pmatrix}} {a} & {b} \\\\ {c} & {d} \\end{{pmatrix}}"
        yield m, f"\\begin{{bmatrix}}{a}&{b}\\\\{c}&{d}\\end{{bmatrix}}", True, "matrix: brackets"
        yield (
            m,
            f"\\begin{{pmatrix}} {a}.0 & {b} \\\\ {c} & \\frac{{{2 * d}}}{{2}} \\end{{pmatrix}}",
            True,
            "matrix: forms",
        )
        yield (
            m,
            f"\\begin{{pmatrix}} {a} & {c} \\\\ {b} & {d + 1} \\end{{pmatrix}}",
            False,
            "matrix: transposed",
        )
        yield m, f"\\begin{{pmatrix}} {a} & {b} \\\\ {c} & {d + 1} \\end{{pmatrix}}", False, "matrix: digit"
        yield m, f"\\begin{{pmatrix}} {a} & {b} & {c} & {d} \\end{{pmatrix}}", False, "matrix: shape"
        v = f"\\begin{{pmatrix}} {a} \\\\ {b} \\\\ {c}/3 \\end{{pmatrix}}"
        yield (
            v,
            f"\\begin{{pmatrix}} {a} \\\\ {b} \\\\ \\frac{{{c}}}{{3}} \\end{{pmatrix}}",
            True,
            "vector: fraction",
        )
        yield v, f"\\left( {a}, {b}, \\frac{{{c}}}{{3}} \\right)", True, "vector: as a tuple"
        yield v, f"\\begin{{pmatrix}} {b} \\\\ {a} \\\\ {c}/3 \\end{{pmatrix}}", False, "vector: swapped"


def units_and_words() -> Iterator[Case]:
    units = [
        ("cm", "centimeters", "km"),
        ("cm^2", "square centimeters", "cm"),
        ("apples", "apple", "oranges"),
        ("degrees", "degree", "meters"),
        ("hours", "hr", "minutes"),
        ("km/h", "kilometers per hour", "m/s"),
        ("dollars", "dollar", "cents"),
        ("feet", "ft", "inches"),
    ]
    for n in ("5", "12.5", "\\frac{3}{4}"):
        for unit, same, other in units:
            wrapped = f"{n}\\text{{ {unit}}}".replace("^2}", "}^2")
            yield n, wrapped, True, "unit: missing on one side"
            yield wrapped, f"{n}\\text{{ {same}}}", True, "unit: other spelling"
            yield wrapped, f"{n}\\text{{ {other}}}", False, "unit: another"
            yield (
                wrapped,
                f"{n}1\\text{{ {unit}}}" if n[-1].isdigit() else f"2{wrapped}",
                False,
                "unit: other number",
            )
    for degrees, radians in [
        (30, "\\frac{\\pi}{6}"),
        (90, "\\pi/2"),
        (120, "\\frac{2\\pi}{3}"),
        (180, "\\pi"),
    ]:
        for form in (f"{degrees}^\\circ", f"{degrees}^{{\\circ}}", f"{degrees}°", f"{degrees} degrees"):
            yield str(degrees), form, True, "degrees: sign missing"
            yield form, radians, True, "degrees: radians"
            yield form, f"{degrees + 1}^\\circ", False, "degrees: digit"
        yield str(degrees), radians, False, "degrees: no sign on either side"
    words = [
        "east",
        "west",
        "ellipse",
        "Evelyn",
        "Navin",
        "Monday",
        "Friday",
        "even",
        "odd",
        "Yes",
        "No",
        "Brand A",
        "Brand B",
    ]
    for i, word in enumerate(words):
        yield word, f"\\text{{{word}}}", True, "words: text"
        yield word, word.upper() if len(word) > 3 else word.lower(), True, "words: capitals"
        yield word, f" {word}. ", True, "words: full stop and spaces"
        for other in words[i + 1 : i + 5]:
            yield word, other, False, "words: another word"
            yield f"\\text{{{word}}}", f"\\text{{{other}}}", False, "words: another word in text"
    for letter, other in zip("ABCDE", "BCDEA", strict=True):
        for form in (
            f"({letter})",
            f"\\text{{({letter})}}",
            f"{letter}.",
            f"{letter}) 12",
            f"\\textbf{{{letter}}}",
        ):
            yield letter, form, True, "choice: form"
            yield form, f"({other})", False, "choice: another letter"


def numerals_ratios_times() -> Iterator[Case]:
    for digits, base in [("52", 8), ("4210", 5), ("2516", 8), ("204", 5), ("10101", 2), ("40", 9)]:
        a = f"{digits}_{base}"
        yield a, f"{digits}_{{{base}}}", True, "base: braces"
        yield a, f"{digits} (base {base})", True, "base: in words"
        yield a, f"{digits}_{base + 1}", False, "base: another"
        yield a, f"{digits}{base}", False, "base: read as a digit"
        yield a, f"1{a}", False, "base: other digits"
        yield a, str(int(digits, base)), False, "base: the value in base ten is another answer"
    for p, q in [(1, 2), (5, 6), (10, 3), (11, 13), (4, 9)]:
        yield f"{p}:{q}", f"{p} : {q}", True, "ratio: spaces"
        yield f"{p}:{q}", f"{7 * p}:{7 * q}", True, "ratio: scaled"
        yield f"{p}:{q}", f"{q}:{p}", False, "ratio: swapped"
        yield f"{p}:{q}", f"{p}/{q}", False, "ratio: no number"
        yield f"{p}:{q}", f"{p}:{q + 1}", False, "ratio: digit"
        assert gcd(p, q) == 1
    for hour, minute in [(5, 45), (9, 10), (11, 55), (3, 30)]:
        yield f"{hour}:{minute}", f"{hour}:{minute} p.m.", True, "clock: half missing"
        yield f"{hour}:{minute}", f"{hour:02d}:{minute}", True, "clock: leading zero"
        yield f"{hour}:{minute} p.m.", f"{hour}:{minute} PM", True, "clock: spelling"
        yield f"{hour}:{minute} p.m.", f"{hour + 12}:{minute}", True, "clock: 24 hours"
        yield f"{hour}:{minute} a.m.", f"{hour}:{minute} p.m.", False, "clock: half"
        yield f"{hour}:{minute}", f"{hour}:{minute + 1}", False, "clock: minute"
        yield f"{hour}:{minute}", f"{hour}{minute}", False, "clock: no integer"
    names = ["first", "second", "third", "fourth", "fifth", "sixth"]
    for i, name in enumerate(names, 1):
        suffix = {1: "st", 2: "nd", 3: "rd"}.get(i, "th")
        if i != 2:
            yield f"{i}{suffix}", name, True, "ordinal: word"
        yield f"{i}{suffix}", str(i), True, "ordinal: number"
        yield f"{i}{suffix}", f"{i + 1}th", False, "ordinal: another"


FAMILIES = [
    integers,
    fractions,
    mixed_numbers,
    decimals,
    polynomials,
    roots_and_constants,
    ordered_and_unordered,
    relations,
    matrices,
    units_and_words,
    numerals_ratios_times,
]


def written() -> Iterator[Case]:
    """Lines `gold == predicted # why` and `gold != predicted # why` of written.txt."""
    for line in WRITTEN.read_text(encoding="utf-8").splitlines():
        pair, _, why = line.partition(" # ")
        if pair.strip():
            mark = " == " if " == " in pair else " != "
            gold, predicted = pair.split(mark)
            yield gold.strip(), predicted.strip(), mark == " == ", f"written: {why.strip() or 'by hand'}"


def cases() -> list[dict[str, str | bool]]:
    """All cases, each unordered pair once, in the order of the families."""
    seen: dict[tuple[str, str], bool] = {}
    rows: list[dict[str, str | bool]] = []
    for family in [written, *FAMILIES]:
        for gold, predicted, equal, why in family():
            key = (min(gold, predicted), max(gold, predicted))
            assert seen.get(key, equal) == equal, f"two labels for {key}"
            if key not in seen:
                seen[key] = equal
                rows.append({"gold": gold, "predicted": predicted, "equal": equal, "why": why})
    return rows


def as_text() -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in cases())


if __name__ == "__main__":
    CASES.write_text(as_text(), encoding="utf-8")
