"""An error line that leaves this machine says no secret, and nothing of a record."""

from __future__ import annotations

import pytest

from refresh.cleaning import LONGEST, cleaned, secrets_of

KEY = "k-9f8e7d6c5b4a"

HOSTILE = [
    f"api_url 'https://user:pw@crm.example.org/api?key={KEY}' refused",
    f"GET https://zoe:{KEY}@crm.example.org/x failed",
    f"GET crm.example.org/x?token={KEY}&a=1 failed",
    f"Authorization: Bearer {KEY}abcdefghijkl",
    f"header X-API-Key: {KEY} was refused",
    f"secret={KEY}",
    f"password = {KEY}",
    f"the key '{KEY}' is not valid",
    "no contact zoe.dupont@example.org in the list",
    "Could not convert string 'Zoé Dupont' to INT32",
    'record {"name": "Zoé Dupont", "phone": "+33 6 12 34 56 78"} refused',
    "phone 06 12 34 56 78 is no number, nor 0612345678",
    "contact 6bb1fc7a-ec78-4b27-975d-c1871dfe1094 of «Zoé Dupont»",
    "GET h/api answered 400: contact Zoé Dupont is unknown: check setting 'api_url'",
    "GET h/api answered 500: Zoé Dupont",
    "eyJhbGciOiJIUzI1NiJ9eyJzdWIiOiIxMjM0NTY3ODkw",
    "no company `Zoé Dupont`, nor `make Dupont`",
    "line one\nZoe: 'Zoé Dupont'\x1b[31m\x00",
    "Could not convert 'Zoé Dupont to INT32",
    f"no such row: {'x ' * 900} 'Zoé Dupont {'y ' * 900}'",
    f"error: token: {KEY}",
]
SAID = ["Dupont", "zoe.dupont", "pw@", KEY, "12 34 56", "0612345678", "6bb1fc7a", "eyJhbG"]


@pytest.mark.parametrize("line", HOSTILE)
def test_no_secret_and_no_value_is_left(line: str) -> None:
    told = cleaned(line)
    assert not [each for each in SAID if each in told], told
    assert "\n" not in told
    assert told.isprintable()


def test_secrets_of_the_environment_go_wherever_they_stand() -> None:
    environment = {
        "TAP_KIZEN_API_KEY": "plain words",
        "TAP_KANANAS_SECRET_KEY": "hello",
        "REFRESH_SMTP_PASSWORD": "hello world",
        "REFRESH_WEBHOOK_URL": "http://h/T0/B0",
        "TAP_KIZEN_BUSINESS_ID": 'a+"b/c',
        "TAP_KIZEN_USER_ID": "zoe",
        "HOME": "somewhere",
    }
    secrets = secrets_of(environment)
    told = cleaned("say hello world, hello, plain words to http://h/T0/B0 somewhere", secrets)
    assert told == "say …, …, … to … somewhere"
    assert cleaned('say a%2B%22b%2Fc or a+\\"b/c', secrets) == "say … or …"


SETTINGS = "setting 'api_key' (TAP_KIZEN_API_KEY) and setting 'user_id' (TAP_KIZEN_USER_ID)"


def test_what_helps_stays() -> None:
    request = "companies: GET 127.0.0.1/api/company answered 401"
    assert cleaned(f"{request}: code: x (X-Request-ID 6bb1fc7a): check {SETTINGS}") == (
        f"{request}: check {SETTINGS}"
    )


@pytest.mark.parametrize(
    "line",
    [
        "no connection to 127.0.0.1:8123, see setting 'api_url'",
        "the database file /srv/out/warehouse.duckdb is held by process 28520 (/usr/bin/python3)",
        "Failure in contacts: contact_id is null",
        "the address is not the API's: check setting 'secret_key' (TAP_KANANAS_SECRET_KEY)",
        "setting 'secret_key' is missing (environment variable TAP_KANANAS_SECRET_KEY)",
        "there is no database file /srv/warehouse.duckdb: run `make refresh`, which loads one",
        "there is no published copy /srv/x: run `meltano run parquet:publish`, which makes it",
    ],
)
def test_what_says_nothing_of_a_record_stays(line: str) -> None:
    assert cleaned(line) == line


def test_a_long_line_is_cut() -> None:
    assert len(cleaned("no " * 1000)) <= LONGEST


@pytest.mark.parametrize("word", ["a-", "a.", "key-", "a1", "x '", "+=", "answered 400: "])
def test_the_longest_line_is_cleaned_at_once(word: str) -> None:
    """Where a search begins anew with each letter of a word, these take hours."""
    assert cleaned(f"no room: {word * 200_000}").startswith("no room: ")
