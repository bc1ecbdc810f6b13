"""What agrees is quiet, what differs is marked, what is missing is said."""

from __future__ import annotations

import pytest

from console.review.compare import line


@pytest.mark.parametrize(
    ("field", "left", "right", "verdict"),
    [
        ("name", "Boulangerie Élan", "BOULANGERIE ELAN", "same"),
        ("name", "Élan Boulangerie", "Boulangerie, Élan", "same"),
        ("name", "Boulangerie Élan", "Boulangerie Roy", "part"),
        ("name", "Élan", "Roy", "differs"),
        ("name", " ", "Roy", "missing"),
        ("name", None, None, "missing"),
        ("name", "日本", "日本", "same"),
        ("name", "!!!", "???", "differs"),
        ("domain", "zoe@elan.example", "elan.example", "same"),
        ("domain", "zoe@mail.elan.example", "roy.example, www.elan.example", "same"),
        ("domain", "zoe@elan.example", "https://www.elan.example/contact", "same"),
        ("domain", "zoe@notelan.example", "elan.example", "differs"),
        ("domain", "zoe", "elan.example", "differs"),
        ("phone", "02 40 00 00 01", "+33 2 40 00 00 01", "same"),
        ("phone", "02 40 00 00 01, 06 00 00 00 00", "0600000000", "same"),
        ("phone", "02 40 00 00 01", "02 40 00 00 02", "differs"),
        ("phone", "none", "none", "differs"),
        ("vat_number", "FR 10325448256", "fr10325448256", "same"),
        ("vat_number", "FR10325448256", "FR10325448257", "differs"),
        ("country", "FR", "France", "same"),
        ("country", "Allemagne", "Deutschland", "same"),
        ("country", "FR", "Belgique", "differs"),
        ("country", "Atlantis", "ATLANTIS", "same"),
    ],
)
def test_how_two_values_agree(
    field: str, left: str | None, right: str | None, verdict: str
) -> None:
    compared = line(field, left, right)
    assert compared.verdict == verdict
    for pieces, value in ((compared.left, left), (compared.right, right)):
        assert "".join(piece.text for piece in pieces) == (value or "").strip()
        marked = any(piece.differs for piece in pieces)
        assert marked <= (verdict in {"part", "differs"})
    if verdict == "differs":
        assert all(any(piece.differs for piece in side) for side in (compared.left, compared.right))


def test_only_the_words_that_differ_are_marked() -> None:
    compared = line("name", "Les Amis de l'Élan (Brest)", "Amis de l'Élan")
    marked = [(piece.text, piece.differs) for piece in compared.left if piece.differs]
    assert marked == [("Les", True), ("Brest", True)]
    assert not any(piece.differs for piece in compared.right)
