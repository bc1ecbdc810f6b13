"""What is refused, what is never said, and that no value of a record is more than text."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
import requests

from console.review.app import Settings
from console.review.cli import listening
from console.review.gate import HEADERS, LOOPBACK, MAX_BODY, Sessions
from tests.console.review.copy import make
from tests.console.review.serving import Visitor, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.console.review.serving import Server

ROOT = Path(__file__).resolve().parents[3]
PAGES = ("/", "/companies", "/persons", "/duplicates", "/decided", "/run")
FORMS = (
    "/decide", "/pair", "/alike", "/search", "/go", "/undo", "/run", "/author", "/language",
    "/keys",
)  # fmt: skip

#: Names that somebody may write into a form of the back office.
HOSTILE = [
    "<script>alert(1)</script>", "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>", '"><b>x</b>', "'><b>x</b>", '" autofocus onfocus="alert(1)',
    "' onmouseover='alert(1)", "<!-- x", "]]>", "</bdi></td></table>", "</title><b>", "&lt;b&gt;",
    "&amp;", "&#60;b&#62;", "{{ 7 * 7 }}", "{% raw %}", "${7*7}", "%(name)s", "%s%n", "{0}",
    "javascript:alert(1)", "=1+1", "+33 2", "-5", "@SUM(A1)", "\u202eelpmaxe", "\u2066x\u2069",
    "a\0b", "a\x1b[31mb", "a\r\nSet-Cookie: x=y", "\N{PARTY POPPER}\N{FAMILY}",
    "z\u0351\u036b" * 20,
    "x" * 5000, "'; drop table contacts; --", "\\u003cscript\\u003e", "\u2028x", "\ufeffx",
    "%3Cb%3E", "\t=1+1", "\r=1+1", "\n=1+1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20x", "'=1+1",
    "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}\ufe0f", "a\u200b\u200c\u2060\u00adb", "\u061c\u2067x",
    "\u202e<b>x</b>\u202c", "e\u0301" * 150, "\ufdfd" * 20, "W" * 290, "\U000e0041\U000e0062",
    "\x9b31m\x85", "=cmd|' /C calc'!A0", "<bdo dir=rtl>x", "</form><form action=//evil.example>",
    '" name="contact" value="1',
]  # fmt: skip


@pytest.fixture(scope="module")
def server(made_copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One page for all tests that change nothing."""
    with serving(made_copy, tmp_path_factory.mktemp("decisions") / "decisions.jsonl") as page:
        yield page


@pytest.mark.parametrize("path", PAGES)
def test_nobody_sees_a_page_without_a_session(server: Server, path: str) -> None:
    for cookie in ({}, {"review": "x"}, {"review": ""}):
        answer = requests.get(server.base + path, cookies=cookie, timeout=30)
        assert answer.status_code == 403
        assert "Roy" not in answer.text


def test_the_address_works_once(server: Server) -> None:
    token = server.review.sessions.one_time_token()
    address = f"{server.base}/open/{token}"
    first = requests.get(address, timeout=30, allow_redirects=False)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    cookie = first.headers["set-cookie"]
    assert re.fullmatch(r"review=[\w-]{43}; HttpOnly; Path=/; SameSite=strict", cookie)
    for wrong in (address, f"{server.base}/open/{token[:-1]}", f"{server.base}/open/x"):
        assert requests.get(wrong, timeout=30).status_code == 403


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "[::2]", "*"],
)
def test_another_name_of_this_host_is_refused(server: Server, visitor: Visitor, host: str) -> None:
    answer = visitor.web.get(f"{server.base}/companies", headers={"Host": host})
    assert answer.status_code in {400, 421}
    assert "Roy" not in answer.text


@pytest.mark.parametrize("path", FORMS)
def test_a_form_of_another_page_is_refused(server: Server, visitor: Visitor, path: str) -> None:
    own = dict(visitor.buttons[0].values)
    values = {**own, "tab": "companies", "contact": "1", "proposal": "c0", "do": "yes"}
    for changed, headers in (
        ({"csrf": ""}, {}),
        ({"csrf": "x"}, {}),
        ({}, {"Origin": "http://evil.example"}),
        ({}, {"Origin": "null"}),
        ({}, {"Sec-Fetch-Site": "cross-site"}),
        ({}, {"Sec-Fetch-Site": "same-site"}),
    ):
        visitor.post(path, {**values, **changed}, **headers)
        assert visitor.status == 403
    # That of another session neither.
    visitor.post(path, {**values, "csrf": dict(server.visitor().buttons[0].values)["csrf"]})
    assert visitor.status == 403
    assert server.decisions() == []


def test_nothing_is_changed_by_an_address(server: Server, visitor: Visitor) -> None:
    for path in FORMS:
        if path != "/run":
            assert visitor.web.get(server.base + path).status_code == 405
    assert server.decisions() == []


@pytest.mark.parametrize("path", [*PAGES, "/nothing", "/open/x", "/static/review.js", "/decide"])
def test_every_answer_has_its_headers(server: Server, visitor: Visitor, path: str) -> None:
    for answer in (
        requests.get(server.base + path, timeout=30),
        visitor.web.get(server.base + path),
        requests.get(server.base + path, headers={"Host": "x"}, timeout=30),
    ):
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        assert "server" not in answer.headers or answer.headers["server"] == "uvicorn"
    assert "'unsafe" not in HEADERS["Content-Security-Policy"]


def test_a_body_that_is_too_large_is_refused(server: Server, visitor: Visitor) -> None:
    visitor.post("/search", {"words": "x" * (MAX_BODY + 1)})
    assert visitor.status == 413
    answer = visitor.web.post(f"{server.base}/search", data=iter([b"x"]))
    assert answer.status_code == 413


@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_its_fields_breaks_nothing(
    server: Server, visitor: Visitor, path: str
) -> None:
    csrf = dict(visitor.buttons[0].values)["csrf"]
    for values in ({}, {"tab": "x"}, {"tab": "companies", "contact": "none such", "seen": "-1"}):
        visitor.post(path, {"csrf": csrf, **values})
        assert visitor.status in {200, 303, 400}
    assert server.decisions() == []


def test_a_session_ends_when_nobody_uses_it(published: Path, tmp_path: Path) -> None:
    moment = [0.0]
    sessions = Sessions(60, "Ida", lambda: moment[0])
    with serving(published, tmp_path / "decisions.jsonl", sessions=sessions) as server:
        visitor = server.visitor()
        for moment[0] in (50, 100):
            visitor.go("/companies")
            assert visitor.status == 200
        moment[0] = 161
        visitor.go("/companies")
        assert visitor.status == 403
        leaving = server.visitor()
        leaving.click("Close the page")
        leaving.go("/companies")
        assert leaving.status == 403


def test_a_password_opens_it_and_cannot_be_guessed(published: Path, tmp_path: Path) -> None:
    moment = [0.0]
    sessions = Sessions(3600, "nobody", lambda: moment[0])
    settings = Settings((*LOOPBACK, "review.example"), password="right", is_secure=True)
    decisions = tmp_path / "decisions.jsonl"
    with serving(published, decisions, settings=settings, sessions=sessions) as server:
        visitor = Visitor(server.base)
        visitor.go("/companies")
        assert visitor.path == "/login"
        visitor.click("Open", author="Zoé", password="wrong")
        assert "the password is wrong" in visitor.text
        answer = requests.post(
            f"{server.base}/login", data={"author": "Zoé", "password": "right"},
            headers={"Host": "review.example"}, timeout=30, allow_redirects=False,
        )  # fmt: skip
        assert answer.status_code == 303
        assert "; Secure" in answer.headers["set-cookie"]
        for _ in range(9):
            visitor.post("/login", {"author": "x", "password": "wrong"})
        visitor.post("/login", {"author": "x", "password": "right"})
        assert visitor.status == 429
        moment[0] = 61
        again = {"author": "x", "password": "right"}
        answer = requests.post(
            f"{server.base}/login", data=again, timeout=30, allow_redirects=False
        )
        assert answer.status_code == 303
        foreign = visitor.web.post(
            f"{server.base}/login", data=again, headers={"Origin": "http://evil.example"}
        )
        assert foreign.status_code == 403


def test_a_proxy_says_who_somebody_is(published: Path, tmp_path: Path) -> None:
    settings = Settings(LOOPBACK, user_header="X-User", proxies=("127.0.0.1",))
    with serving(published, tmp_path / "decisions.jsonl", settings=settings) as server:
        assert requests.get(f"{server.base}/companies", timeout=30).status_code == 403
        visitor = Visitor(server.base, {"X_User": "Eva"})
        visitor.go("/companies")
        visitor.click("Change", author="Somebody else")
        visitor.press("y")
        assert [each.author for each in server.decisions()] == ["Eva"]
        # The cookie is not worth another name.
        visitor.web.headers["X-User"] = "Max"
        visitor.go("/companies")
        visitor.press("y")
        assert server.decisions()[-1].author == "Max"
    settings = Settings(LOOPBACK, user_header="X-User", proxies=("192.0.2.1",))
    with serving(published, tmp_path / "decisions.jsonl", settings=settings) as server:
        answer = requests.get(f"{server.base}/", headers={"X-User": "Eva"}, timeout=30)
        assert answer.status_code == 403


def test_no_answer_waits_for_the_browser_to_confirm_its_beginning() -> None:
    with (
        listening("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["--host", "192.0.2.1"], {}, "Set REVIEW_PASSWORD"),
        (["--host", "::"], {}, "Set REVIEW_PASSWORD"),
        (["--host", "::"], {"REVIEW_PASSWORD": "x"}, "name this host as browsers call it"),
        (["--host", "no.such.host.invalid"], {}, "Set REVIEW_PASSWORD"),
        (["--port", "70000"], {}, "choose another --host or --port"),
        ([], {"REVIEW_PORT": "x"}, "invalid int value: 'x'"),
    ],
)
def test_others_reach_it_only_when_they_say_who_they_are(
    arguments: list[str], environment: dict[str, str], message: str
) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "console.review", *arguments],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert run.returncode == 2
    assert message in run.stderr
    assert "Traceback" not in run.stderr


def make_hostile(path: Path) -> Path:
    """Write a copy with each hostile name in every column, and in ids."""
    make(path, 4 * len(HOSTILE), 2 * len(HOSTILE))
    with duckdb.connect(path) as connection:
        for number, name in enumerate(HOSTILE, start=1):
            connection.execute(
                "update staging.stg_kananas__contacts set organisation = $name, email = $name,"
                " first_name = $name, last_name = $name, city = $name, phone = $name"
                " where contact_id = $id",
                {"name": name, "id": str(2 * number - 1)},
            )
            connection.execute(
                "update staging.stg_kizen__companies set company_name = $name, city = $name,"
                " email = $name, street = $name where company_id = $id",
                {"name": name, "id": f"c{number - 1}"},
            )
            connection.execute(
                "update staging.stg_kizen__contacts set first_name = $name, last_name = $name,"
                " email = $name, company_name = $name where kizen_contact_id = $id",
                {"name": name, "id": f"p{number}"},
            )
            for table in (
                "marts.link_review_queue", "marts.contact_company_links",
                "staging.stg_kananas__contacts", "intermediate.int_links__scored",
                "intermediate.int_contacts__match_keys", "marts.contact_person_links",
                "intermediate.int_persons__scored",
            ):  # fmt: skip
                connection.execute(
                    f"update {table} set contact_id = ? where contact_id = ?",
                    [f"{name[:40]} {number}", str(2 * number - 1)],
                )
        # Only they wait.
        connection.execute("delete from marts.link_review_queue where not contact_id like '% %'")
        connection.execute(
            "update marts.contact_company_links set reasons = ?", ["; ".join(HOSTILE[:30])]
        )
    return path


def shown(name: str) -> str:
    """A name as the page writes it, without the space around it."""
    return escape(
        name[:100].strip().translate({code: 0x2400 + code for code in range(0x20)}), quote=True
    )


def test_hostile_names_are_text_everywhere(tmp_path: Path) -> None:
    assert len(HOSTILE) >= 30
    copy = make_hostile(tmp_path / "warehouse.duckdb")
    with serving(copy, tmp_path / "decisions.jsonl") as server:
        visitor = server.visitor()
        plain_tags = set()
        for number, name in enumerate(HOSTILE, start=1):
            html = visitor.html.replace("&#39;", "&#x27;").replace("&#34;", "&quot;")
            if name.strip("\r\n").isprintable() and "\\u" not in name and len(name) < 200:
                found = re.sub(r"</?(?:mark|bdi)>", "", html)
                assert shown(name) in found, name
            plain_tags |= set(re.findall(r"<(/?[a-zA-Z!]+)", visitor.html))
            visitor.press("y", reason=name[:400])
            assert visitor.status == 200
            assert "Saved." in visitor.text, (number, visitor.text[:300])
        assert not plain_tags & {"b", "bdo", "img", "/title><b", "!--"}
        decided = {each.contact_id for each in server.decisions()}
        assert {f"{name[:40]} {number}" for number, name in enumerate(HOSTILE, start=1)} <= decided
        visitor.go("/decided")
        tags = set(re.findall(r"<([a-zA-Z!]+)", visitor.html))
        assert not tags & {"b", "img", "svg"}
        assert visitor.html.count("<script") == 1
        for name in ("<b>x</b>", '"><b>x</b>', "{{ 7 * 7 }}", "%(name)s"):
            visitor.search(name, "contacts") if visitor.go("/companies") else None
            assert visitor.status == 200
            assert "<b>" not in visitor.html
            assert escape(name, quote=False) in visitor.html.replace("&#34;", '"')


def test_a_fault_of_the_page_names_its_place_and_no_record(
    server: Server, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        message = "Roy lives in Brest"
        raise KeyError(message)

    visitor = server.visitor()
    monkeypatch.setattr(server.review.questions, "question", fail)
    visitor.go("/companies")
    assert visitor.status == 500
    assert "Roy" not in visitor.text
    out, err = capfd.readouterr()
    assert out == ""
    assert re.fullmatch(r"review: KeyError in .*test_safety\.py, line \d+\n", err)


def test_no_log_and_no_address_names_a_record(published: Path, tmp_path: Path) -> None:
    """Of the program as people start it; its address is told once, and nothing else."""
    program = subprocess.Popen(
        [sys.executable, "-m", "console.review", "--db", published, "--port", "0",
         "--decisions", tmp_path / "decisions.jsonl"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert program.stdout
    assert program.stdout.readline() == "Open this address, which works once:\n"
    address = program.stdout.readline().strip()
    base, _, path = address.partition("/open/")
    visitor = Visitor(base)
    visitor.go(f"/open/{path}")
    paths = []
    for turn in ("y", "n", "l"):
        visitor.press(turn, reason="a secret note")
        paths.append(visitor.path)
    visitor.search("Roy 46", "contacts")
    visitor.press("1")
    paths.append(visitor.path)
    assert set(paths) == {"/companies"}
    visitor.go("/no/such/page?contact=Roy")
    assert program.stdout.readline() == "Ctrl-C ends it; each decision is on the disk at once.\n"
    program.terminate()
    rest, _ = program.communicate(timeout=30)
    assert rest == ""
    assert program.returncode == 0
