"""In which row each address stood first, however many there are."""

from __future__ import annotations

from webapp.batches.first_rows import FirstRows


def test_the_first_row_of_each_text_is_known_in_a_long_list() -> None:
    rows, count = FirstRows(), 20_000
    texts = [f"p{number}@corp.example" for number in range(count)]

    new = [rows.first(text, row) for row, text in enumerate(texts, 2)]
    again = [rows.first(text, count + row) for row, text in enumerate(texts, 2)]

    assert new == again == list(range(2, count + 2))
