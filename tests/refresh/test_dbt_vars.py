"""An account's own variables of dbt: what is theirs, what stays ours, and where one is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from refresh.dbt_vars import VarsError, read

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "dbt_project"
DEFAULTS = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]


def test_a_map_keeps_the_meanings_that_are_not_written(tmp_path: Path) -> None:
    path = tmp_path / "vars.yml"
    path.write_text("auto_confidence: 0.98\ncontact_columns:\n  city: [Lieu]\n", encoding="utf-8")
    assert read(path, PROJECT) == {
        "auto_confidence": 0.98,
        "contact_columns": {**DEFAULTS["contact_columns"], "city": ["Lieu"]},
    }


def test_no_file_and_an_empty_one_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "vars.yml"
    assert read(path, PROJECT) == {}
    path.write_text("# nothing yet\n", encoding="utf-8")
    assert read(path, PROJECT) == {}


def test_the_example_is_right() -> None:
    assert "contact_columns" in read(ROOT / "config" / "vars.example.yml", PROJECT)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "\ncontact_colums:\n",
            "line 2: there is no variable contact_colums: did you mean contact_columns?",
        ),
        ("xyz: 1\n", "line 1: there is no variable xyz"),
        (
            "contact_columns:\n  email: [mail]\n  citi: [Lieu]\n",
            "line 3: contact_columns has no meaning citi: did you mean city?",
        ),
        (
            "contact_columns:\n  city: Lieu\n",
            "line 2: contact_columns: city must be a list of columns, such as [city]",
        ),
        (
            "contact_columns: [city]\n",
            "line 1: contact_columns must be a map of meanings to lists of columns",
        ),
        ("link_margin: wide\n", "line 1: link_margin must be a number"),
        ("link_by_person: 1\n", "line 1: link_by_person must be true or false"),
        ("link_margin: .nan\n", "line 1: link_margin must be a number"),
        ("link_margin: 1\nlink_margin: 2\n", "line 2: link_margin is there twice"),
        ("1: x\n", "line 1: there is no variable 1"),
        ("link_margin: 1\n\tx: 1\n", "line 2: found character"),
        ("\ufefflink_margin: 1\r\nfoo: 1\r\n", "line 2: there is no variable foo"),
        ("[" * 3000, "there are too many brackets in each other"),
        ("a: [\n", "line 2: expected the node content, but found '<stream end>'"),
        ("just words\n", "variables are written as name: value"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "vars.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(VarsError) as error:
        read(path, PROJECT)
    assert str(error.value).startswith((f"{path}, {said}", f"{path}: {said}"))
