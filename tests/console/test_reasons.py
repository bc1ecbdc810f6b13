"""Reasons in the language of the reader, with the names that stand in them."""

from __future__ import annotations

from markupsafe import Markup

from console.reasons import Reasons


def test_names_stay_and_the_words_around_them_are_translated() -> None:
    said = Reasons("fr")
    assert said("the names are equal") == "les noms sont les mêmes"
    assert said("the nearest company, A, agrees too little, agrees too little") == (
        "l’entreprise la plus proche, <bdi>A, agrees too little</bdi>, concorde trop peu"  # noqa: RUF001 - French
    )
    assert said("another contact, <b>, agrees better with 7") == (
        "un autre contact, <bdi>&lt;b&gt;</bdi>, concorde mieux avec <bdi>7</bdi>"
    )
    assert said("decided by Ida: on the\nphone") == "décidé par <bdi>Ida: on the␊phone</bdi>"


def test_names_are_left_out_on_request() -> None:
    out = Markup("***")
    assert Reasons("en").known("decided by Ida", out) == "decided by ***"
    equal = "two companies agree equally, neither well enough: A and B and C"
    assert Reasons("en").known(equal, out) == (
        "two companies agree equally, neither well enough: *** and ***"
    )


def test_unknown_words_are_shown_as_they_are() -> None:
    assert Reasons("fr").known("<i>") is None
    assert Reasons("fr")("<i>") == "<bdi>&lt;i&gt;</bdi>"
