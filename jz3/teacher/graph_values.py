"""Whether the values of a graph make a problem (RV-Syn).

The rules for a drawing:

- `failed`: an error
- `random`: two runs differ
- `not_a_number`: nan, an infinity, a complex number, a text
- `huge`: beyond LARGEST
- `odd_value`: no fraction with a denominator up to LARGEST_DENOMINATOR
- `implausible`: a negative value of any kind but `number`, or a fraction of a `number of ...`
- `trivial`: the result is 0, or one of the given or intermediate values
- `held_out`: numbers and result are those of a benchmark item of the built-in writer; another drawing is
  used, so that none enters training in other words
"""

from collections.abc import Sequence
from fractions import Fraction

from jz3.teacher.decompositions import NUMBER
from jz3.teacher.exact_programs import Drawing, value_of
from jz3.teacher.function_library import Library
from jz3.teacher.graph_draws import Graph
from jz3.text.problem_text import Unusable
from jz3.writer.held_out import is_held_out

LARGEST = 10**9
"""The largest absolute value (fact sheet)."""
LARGEST_DENOMINATOR = 100
"""Chosen: halves, tenths and cents, and equal shares."""
COUNTED = "number of "
"""Kinds that begin like this are counted in whole numbers."""


def fault_of(library: Library, graph: Graph, leaves: Sequence[int], drawing: Drawing) -> Unusable | None:
    """Why a drawing is no problem; None if it is one."""
    if drawing.fault:
        return Unusable(drawing.fault.partition(" ")[0], drawing.fault)
    kinds = [library.nodes[number].function.returns for number in graph.nodes]
    values: list[Fraction] = []
    for printed, kind in zip(drawing.nodes, kinds, strict=True):
        value = value_of(printed)
        if printed != "huge" and value is None:
            return Unusable("not_a_number", printed)
        if value is None or abs(value) > LARGEST:
            return Unusable("huge", printed)
        if not isinstance(value, Fraction) or value.denominator > LARGEST_DENOMINATOR:
            return Unusable("odd_value", printed)
        if (kind != NUMBER and value < 0) or (kind.startswith(COUNTED) and value.denominator != 1):
            return Unusable("implausible", f"{printed} of the kind {kind!r}")
        values.append(value)
    *before, result = values
    if result == 0 or result in before or result in leaves:
        return Unusable("trivial", f"{result} of {', '.join(map(str, [*leaves, *before]))}")
    if is_held_out(leaves, result):
        return Unusable("held_out", f"{result} of {', '.join(map(str, leaves))}")
    return None


def first_without_fault(
    library: Library, graph: Graph, drawn: Sequence[Sequence[int]], drawings: Sequence[Drawing]
) -> tuple[Sequence[int], Drawing] | Unusable:
    """The first drawing that makes a problem in whole numbers, otherwise the first that makes one, otherwise
    what is wrong with the very first.
    """
    first_fault: Unusable | None = None
    first_fit: tuple[Sequence[int], Drawing] | None = None
    for leaves, drawing in zip(drawn, drawings, strict=True):
        fault = fault_of(library, graph, leaves, drawing)
        if fault is not None:
            first_fault = first_fault or fault
        elif not any("/" in value for value in drawing.nodes):
            return leaves, drawing
        else:
            first_fit = first_fit or (leaves, drawing)
    found = first_fit or first_fault
    assert found is not None, "a graph has drawings"
    return found
