"""Families of this level."""

from jz3.writer.family import Family

FAMILIES: tuple[Family, ...] = ()
