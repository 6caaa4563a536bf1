"""LibraryFunction: an operation found in seed problems, with the operations merged into it (RV-Syn)."""

import dataframely as dy


class LibraryFunction(dy.Schema):
    function_id = dy.String(primary_key=True)  # content id of name, kinds, description and source
    name = dy.String(min_length=1)  # unique
    topic = dy.String(min_length=1)  # a field of mathematics
    doc = dy.String(min_length=1)  # what it does
    parameters = dy.List(
        dy.Struct({"name": dy.String(min_length=1), "kind": dy.String(min_length=1)}), min_length=1
    )  # kind: the unit, or what is counted
    returns = dy.String(min_length=1)  # kind of its result
    source = dy.String(min_length=1)  # Python
    count = dy.Int64(min=1)  # seed problems that use it or an alias
    seed_ids = dy.List(dy.String(), min_length=1)  # these seed problems
    aliases = dy.List(
        dy.Struct({"name": dy.String(min_length=1), "order": dy.List(dy.Int64(min=0))})
    )  # merged functions; `order` gives, for each parameter, its place among the alias's
