"""Weights and confidence are fitted to sets with their truth, the same for the same sets."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pytest

from evaluation import ablation, fit
from evaluation.building import build_links
from evaluation.confidence import (
    AUTO,
    LEAST_SCORE,
    Best,
    best,
    link_bands,
    person_bands,
    reached,
    rising,
)
from evaluation.inputs import TRUTH_PEOPLE_COLUMNS, People, generate, load_truth
from evaluation.levels import SEEDS, Level, read_bands, read_levels
from evaluation.logit import balanced, designed, pair_scores, points
from evaluation.pairs import Pairs, Persons, compare_persons, keep_few
from evaluation.people import measured
from evaluation.sets import Set

if TYPE_CHECKING:
    from pathlib import Path

LEVELS = [
    Level("pair", "any", "", 0, 0, "", ""),
    Level("name", "different", "", 0, 0, "against", "the names differ"),
    Level("name", "exact", "", 1, 0, "for", "the names are equal"),
    Level("letters", "from_0", "rising", 0, 0, "", ""),
    Level("letters", "from_50", "rising", 1, 0, "", ""),
    Level("letters", "from_90", "rising", 2, 0, "", ""),
    Level("missing", "from_0", "falling", 0, 0, "", ""),
    Level("missing", "from_50", "falling", 1, 0, "", ""),
    Level("vat", "differ", "rising", 0, 0, "against", ""),
    Level("vat", "equal", "rising", 1, 0, "for", ""),
]


def _pairs(
    rows: list[tuple[int, str, bool, dict[str, int]]],
    register: str = "a",
    name: str = "one",
    every_level: list[Level] = LEVELS,
) -> Pairs:
    """Return pairs: contact, tier, whether it is right, and the places of its levels."""
    numbers = np.array([contact for contact, *_ in rows])
    _, starts, groups = np.unique(numbers, return_index=True, return_inverse=True)
    features = sorted({level.feature for level in every_level} - {"pair"})
    return Pairs(
        register,
        name,
        {
            feature: np.array([levels.get(feature, -1) for *_, levels in rows])
            for feature in features
        },
        np.array([right for _, _, right, _ in rows]),
        np.array([tier for _, tier, _, _ in rows]),
        np.array([False for _ in rows]),
        starts,
        groups,
        sum(right for _, _, right, _ in rows),
    )


def _invented(register: str, name: str, seed: int) -> Pairs:
    """Return the pairs of 60 contacts: of equal names most are right, of others few.

    In the middle letters speak against a link, and what is missing for it: no fit may say so.
    """
    random = np.random.default_rng(seed)
    rows: list[tuple[int, str, bool, dict[str, int]]] = []
    for contact in range(60):
        is_linked = bool(random.random() < 0.8)
        rows.append(
            (
                contact,
                "name" if is_linked else "place",
                is_linked and bool(random.random() < 0.95),
                {
                    "name": int(is_linked),
                    "letters": int(random.choice([0, 2])) if is_linked else 1,
                    "missing": int(is_linked),
                    "vat": int(is_linked) if contact % 10 == 0 else -1,
                },
            )
        )
        rows.append((contact, "place", False, {"name": 0, "letters": 1, "missing": 0}))
    return _pairs(rows, register, name)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Return a folder with the seeds that are fitted to two registers, whose sets have one name."""
    fit.save(tmp_path, [_invented("a", "same", 1), _invented("b", "same", 2)], LEVELS)
    return tmp_path


def test_the_same_sets_give_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    fit.save(again, [_invented("a", "same", 1), _invented("b", "same", 2)], LEVELS)
    for name in ("link_levels.csv", "link_bands.csv"):
        assert (again / name).read_bytes() == (saved / name).read_bytes()


def test_weights_follow_their_trend_and_vat_numbers_keep_theirs(saved: Path) -> None:
    rows = _rows(saved / "link_levels.csv")
    assert [(row["feature"], row["level"]) for row in rows] == [
        (level.feature, level.level) for level in LEVELS
    ]
    weights = {(row["feature"], row["level"]): int(row["weight"]) for row in rows}
    assert weights["name", "exact"] > weights["name", "different"]
    letters = [weights["letters", level] for level in ("from_0", "from_50", "from_90")]
    assert letters == sorted(letters)
    assert weights["missing", "from_0"] >= weights["missing", "from_50"]
    assert (weights["vat", "equal"], weights["vat", "differ"]) == (35, -15)
    assert weights["pair", "any"] != 0


def test_a_greater_lead_is_surer_and_any_lead_has_a_band(saved: Path) -> None:
    rows = _rows(saved / "link_bands.csv")
    # A tier that no set has links of keeps its bands.
    shipped = _rows(SEEDS / "link_bands.csv")
    of_sets = {"name", "place"}
    assert [row for row in rows if row["tier"] not in of_sets] == [
        {**row, "confidence": str(float(row["confidence"]))}
        for row in shipped
        if row["tier"] not in of_sets
    ]
    for tier in ("name", "place"):
        bands = [row for row in rows if row["tier"] == tier]
        bounds = [int(row["lower_bound"]) for row in bands]
        confidences = [float(row["confidence"]) for row in bands]
        assert bounds[0] == -100
        assert bounds == sorted(set(bounds))
        assert confidences == sorted(set(confidences))
        assert 0 <= confidences[0] <= confidences[-1] <= 0.999


def test_each_register_is_told_with_and_without_itself(
    saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit.save(saved, [_invented("a", "same", 1), _invented("b", "same", 2)], LEVELS)
    told = [line.split()[:2] for line in capsys.readouterr().out.splitlines() if line]
    assert ["a", "same"] in told
    assert ["b", "same"] in told


def test_one_register_is_fitted_too(tmp_path: Path) -> None:
    fit.save(tmp_path, [_invented("a", "one", 1)], LEVELS)
    assert len(_rows(tmp_path / "link_levels.csv")) == len(LEVELS)


@pytest.mark.parametrize(
    ("values", "counts", "pooled"),
    [
        ([0.1, 0.2, 0.3], [1, 1, 1], [0.1, 0.2, 0.3]),
        ([0.2, 0.1, 0.3], [1, 1, 1], [0.15, 0.15, 0.3]),
        ([0.4, 0.1, 0.3], [1, 2, 1], [0.2, 0.2, 0.3]),
        ([0.9, 0.6, 0.3], [1, 1, 1], [0.6, 0.6, 0.6]),
        ([], [], []),
    ],
)
def test_values_that_fall_are_pooled(
    values: list[float], counts: list[float], pooled: list[float]
) -> None:
    assert rising(values, counts) == pytest.approx(pooled)


def test_the_best_company_is_ahead_of_all_others_and_of_none() -> None:
    pairs = _pairs(
        [
            (1, "name", False, {"name": 0}),
            (1, "name", True, {"name": 1}),
            (2, "name", True, {"name": 1}),
            (2, "name", False, {"name": 1}),
            (3, "name", False, {"name": 0}),
            (4, "name", True, {"name": 1, "vat": 1}),
        ]
    )
    weights = {("pair", "any"): -4, ("name", "exact"): 24, ("vat", "equal"): 90}
    weighed = [
        level._replace(weight=weights.get((level.feature, level.level), 0)) for level in LEVELS
    ]
    found = best(pairs, weighed)
    assert found.pairs.tolist() == [1, 2, 4, 5]
    assert found.right.tolist() == [True, True, False, True]
    # 20 points ahead of none and 24 of another; as good as another; behind none; no more than 60.
    assert found.leads.tolist() == [19, 0, -4, 60]


def test_points_are_whole_tenths_of_a_decimal_logarithm() -> None:
    design = designed(LEVELS)
    steps = {
        (feature, frozenset(names)): number
        for number, (feature, names) in enumerate(design.columns, start=1)
    }
    values = np.zeros(len(design.columns) + 1)
    values[0] = -np.log(10)
    values[steps["letters", frozenset({"from_0", "from_50", "from_90"})]] = -np.log(100)
    values[steps["letters", frozenset({"from_90"})]] = np.log(1000)
    values[steps["missing", frozenset({"from_0"})]] = np.log(2)
    weights = {
        (level.feature, level.level): level.weight for level in points(values, LEVELS, design)
    }
    assert weights == {
        ("pair", "any"): -10,
        ("name", "different"): 0,
        ("name", "exact"): 0,
        ("letters", "from_0"): -20,
        ("letters", "from_50"): -20,
        ("letters", "from_90"): 10,
        ("missing", "from_0"): 3,
        ("missing", "from_50"): 0,
        ("vat", "differ"): -15,
        ("vat", "equal"): 35,
    }


def test_links_are_as_likely_as_they_are_right_after_rounding() -> None:
    rows = [(contact, "name", contact < 80, {"name": 1}) for contact in range(100)]
    (pair, *others) = balanced([_pairs(rows)], LEVELS)
    assert pair.weight == 6  # four times as many are right as wrong
    assert others == LEVELS[1:]


def test_all_tiers_are_sure_from_one_lead_on() -> None:
    every = [
        _pairs(
            [(n, "name" if n % 2 else "place", n >= 50 or n % 3 > 0, {}) for n in range(400)],
            register,
        )
        for register in ("a", "b")
    ]
    leads = np.array([5] * 50 + [15] * 350)
    found = [Best(np.arange(400), pairs.right, leads) for pairs in every]
    rows = link_bands(every, found, found)
    sure = {tier: [lower for one, lower, share in rows if one == tier and share >= AUTO]
            for tier in ("name", "place")}  # fmt: skip
    assert sure["name"][0] == sure["place"][0]
    assert 5 < sure["name"][0] <= 15


def test_one_wrong_link_of_a_small_register_is_chance() -> None:
    def first_sure(wrong: int) -> list[int]:
        pairs = _pairs([(n, "name", n >= wrong, {}) for n in range(60)])
        found = [Best(np.arange(60), pairs.right, np.full(60, 40))]
        return [lower for _, lower, share in link_bands([pairs], found, found) if share >= AUTO]

    assert first_sure(0)
    assert first_sure(1)
    assert not first_sure(2)


def test_a_band_is_sure_only_where_each_register_is_right() -> None:
    rows = [(contact, "name", True, {"name": 1}) for contact in range(400)]
    wrong = [(contact, "name", contact >= 40, {"name": 1}) for contact in range(400)]

    def sure(*every: Pairs) -> float:
        leads = np.full(400, 40)
        found = [Best(np.arange(400), pairs.right, leads) for pairs in every]
        return max(confidence for _, _, confidence in link_bands(every, found, found))

    assert sure(_pairs(rows), _pairs(rows, "b")) >= AUTO
    assert sure(_pairs(rows), _pairs(rows, "b"), _pairs(wrong, "c")) < AUTO


@pytest.mark.parametrize("text", ["no/such/folder", "", "'no such folder"])
def test_sets_that_cannot_be_read_are_wrong_usage(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit.main(["--sets", text, "--output", str(tmp_path)]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("SETS")
    assert len(errors.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_set_without_a_right_link_among_its_pairs_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with duckdb.connect(tmp_path / "strangers.duckdb") as connection:
        connection.execute("create schema kananas; create schema kizen")
        connection.execute("create table kananas.contacts as select 1 as id, 'Xylo' as firm")
        connection.execute("create table kizen.companies as select 'c' as id, 'Quarr' as name")
    (tmp_path / "strangers.truth.csv").write_text("contact_id,company_id\n1,c\n", "utf-8")
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    assert fit.main(["--sets", str(tmp_path), "--output", str(seeds)]) == 2
    assert capsys.readouterr().err == (
        "SETS: strangers: no right link is among its pairs, so it can teach nothing\n"
    )
    assert list(seeds.iterdir()) == []


@pytest.mark.parametrize(("table", "column"), [("companies", "ID"), ("Companies_company", "id")])
def test_one_company_in_seven_is_kept_the_same_ones_each_time(
    table: str, column: str, tmp_path: Path
) -> None:
    kept = []
    for name in ("one", "again"):
        with duckdb.connect(tmp_path / name) as connection:
            connection.execute("create schema kizen")
            connection.execute(
                f'create table kizen."{table}" as select range as "{column}" from range(7000)'
            )
        keep_few(tmp_path / name, ["companies", "companies_company"])
        with duckdb.connect(tmp_path / name, read_only=True) as connection:
            kept.append(set(connection.execute(f'from kizen."{table}"').fetchall()))
    assert kept[0] == kept[1]
    assert 900 < len(kept[0]) < 1100


def test_evidence_that_links_rest_on_is_missed_and_other_evidence_is_not() -> None:
    """Each register is scored by weights that it had no part in."""
    every = [_invented("a", "one", 1), _invented("b", "two", 2)]
    # The name says the same as what is missing: without both only letters are left.
    levels = [level for level in LEVELS if level.feature != "missing"]

    rows = re.findall(
        r"^ +(\S.*?) {2,}0\.\d+ +([+-][\d.]+)", ablation.report(every, levels), re.MULTILINE
    )

    assert {name: float(lost) > 1 for name, lost in rows} == {
        "name as a whole": True,
        "letters": False,
        "vat": False,
    }


def test_what_a_piece_of_evidence_says_is_taken_from_every_pair() -> None:
    pairs = _invented("a", "one", 1)

    assert set(ablation.without(pairs, ["name"]).levels["name"]) == {-1}
    assert ablation.without(pairs, ["name"]).levels["letters"] is pairs.levels["letters"]


PERSON_LEVELS = read_levels(SEEDS / "person_levels.csv", "prior")


def _persons(
    rows: list[tuple[int, int, bool, dict[str, str]]], register: str = "a", name: str = "one"
) -> Pairs:
    """Return pairs of persons: contact, person, whether it is right, and its levels."""
    places = {(level.feature, level.level): level.place for level in PERSON_LEVELS}
    pairs = _pairs(
        [
            (contact, "more", right, {each: places[each, levels[each]] for each in levels})
            for contact, _, right, levels in rows
        ],
        register,
        name,
        PERSON_LEVELS,
    )
    persons = np.array([person for _, person, *_ in rows])
    return pairs._replace(persons=Persons(persons, np.full(len(rows), fill_value=False)))


def test_more_agreement_of_persons_never_weighs_less() -> None:
    for levels in (PERSON_LEVELS, read_levels(SEEDS / "person_levels.csv")):
        for feature in {level.feature for level in levels if level.trend == "rising"}:
            weights = [level.weight for level in levels if level.feature == feature]
            assert weights == sorted(weights)


def test_another_contact_is_a_rival_for_a_person() -> None:
    equal = {"first_name": "equal", "last_name": "equal", "birth_date": "equal"}
    found = best(
        _persons([(1, 7, True, equal), (2, 7, False, equal), (3, 8, True, equal)]), PERSON_LEVELS
    )
    # 37 points alone; as good as another, who counts for a third: it may be registered twice.
    assert found.leads.tolist() == [5, 5, 37]
    assert found.margins is not None
    assert found.margins.tolist() == [0, 0, 10_000]


def test_weights_of_persons_are_drawn_to_those_set_by_hand(tmp_path: Path) -> None:
    """Sets in which half of those of one birth date are wrong, and nobody has an e-mail address."""
    every = [
        _persons(
            [
                (n, n, n % 2 == 0, {"first_name": "equal", "birth_date": "equal"})
                for n in range(400)
            ],
            register,
        )
        for register in ("a", "b")
    ]
    for folder in (tmp_path / "one", tmp_path / "again"):
        folder.mkdir()
        fit.save_persons(folder, every, PERSON_LEVELS)
    for name in ("person_levels.csv", "person_bands.csv"):
        written = (tmp_path / "one" / name).read_bytes()
        assert written == (tmp_path / "again" / name).read_bytes()
    shipped = _rows(SEEDS / "person_levels.csv")
    rows = _rows(tmp_path / "one" / "person_levels.csv")
    kept = ("feature", "level", "trend", "place", "prior", "speaks", "wording")
    assert [[row[name] for name in kept] for row in rows] == [
        [row[name] for name in kept] for row in shipped
    ]
    weights = {(row["feature"], row["level"]): int(row["weight"]) for row in rows}
    priors = {(row["feature"], row["level"]): int(row["prior"]) for row in rows}
    assert weights["birth_date", "equal"] < priors["birth_date", "equal"]
    assert weights["birth_date", "equal"] >= weights["birth_date", "swapped"]
    unseen = {"email", "phone", "employer", "address", "last_name"}
    for (feature, level), prior in priors.items():
        assert feature not in unseen or weights[feature, level] == prior
    assert (
        weights["pair", "duplicate"] - weights["pair", "any"]
        == priors["pair", "duplicate"] - priors["pair", "any"]
    )


def test_no_band_of_persons_becomes_sure_by_sets_alone() -> None:
    """All links are right: what was not used unseen by hand still is not."""
    pairs = _persons([(n, n, True, {}) for n in range(400)])
    found = [Best(np.arange(400), pairs.right, np.full(400, lead)) for lead in (3, 40)]
    bands = person_bands([pairs, pairs], found, [("more", 0, 0.96), ("more", 20, 0.98)])
    assert bands == [("more", 0, AUTO - 0.005), ("more", 20, 0.992)]


def test_pairs_of_persons_are_ranked_and_scored_as_dbt_does(tmp_path: Path) -> None:
    truth = tmp_path / "truth_people.csv"
    generate(
        tmp_path / "raw.duckdb",
        tmp_path / "truth.csv",
        contacts=500,
        companies=100,
        seed=7,
        people=People(truth, 0.1),
    )
    pairs = compare_persons(
        Set("raw", tmp_path / "raw.duckdb", truth), "sandbox", PERSON_LEVELS, tmp_path
    )
    shipped = read_levels(SEEDS / "person_levels.csv")
    found = best(pairs, shipped)
    bands = read_bands(SEEDS / "person_bands.csv", "evidence")
    warehouse = tmp_path / "warehouse.duckdb"
    build_links(warehouse, tmp_path, {}, ["+contact_person_links"])
    with duckdb.connect(warehouse, read_only=True) as connection:
        load_truth(connection, truth, TRUTH_PEOPLE_COLUMNS, "TRUTH_PEOPLE")
        leads = connection.execute(
            "select lead from intermediate.int_persons__ranked order by contact_number"
        ).fetchall()
        result = measured(connection)
    takes_part = pair_scores(pairs, shipped)[found.pairs] >= LEAST_SCORE
    assert [(int(lead),) for lead in found.leads[takes_part]] == leads
    one = reached(pairs, found, bands)
    assert one.f1 == pytest.approx(result.F1)
    assert one.auto_recall == pytest.approx(result.auto_recall)
