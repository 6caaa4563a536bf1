"""Words that families draw. Few and common, because a small model must learn to copy them; places vary."""

NAMES = (
    "Anna", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Henry", "Ida", "Jack", "Kate", "Leo",
    "Maria", "Nora", "Oscar", "Paul", "Rosa", "Sam", "Tom", "Victor",
)  # fmt: skip

GOODS = (
    "apples", "books", "boxes", "cards", "coins", "cups", "eggs", "flowers", "lamps", "maps", "notes",
    "pens", "plates", "shells", "stamps", "stones", "tickets", "toys",
)  # fmt: skip

PLACES = ("bank", "camp", "farm", "garden", "library", "market", "museum", "park", "school", "station")
