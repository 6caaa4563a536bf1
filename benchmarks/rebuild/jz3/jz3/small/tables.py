"""The tables of the small pipeline."""

import dataframely as dy


class Written(dy.Schema):
    """What the model wrote for a text."""

    id = dy.String(primary_key=True)
    completion = dy.String()


class Posed(dy.Schema):
    """A problem that was read out of a completion."""

    id = dy.String(primary_key=True)
    problem = dy.String()
    answer = dy.String()


class Graded(Posed):
    """A problem whose answer was checked."""

    right = dy.Bool()
