"""A small corpus of our own for tokenizers in tests."""

TEXTS = [
    "Tom has 12 apples and buys 30 more.\nHow many apples does he have?\n\n12 + 30 = 42",
    "def area(width, height):\n    return width * height\n\nprint(area(3, 4))",
    r"The sum of the first n odd numbers is $n^2$, so 1 + 3 + 5 = 9 and \boxed{9} is the answer.",
    "A train runs 60 km in an hour. In 5 hours it runs 60 * 5 = 300 km.",
] * 5
