"""The letters of choices, in the order in which choices are shown."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
