"""What is taken, what is refused and how, and what is kept of it."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
import requests

from kananas_webhooks.cli import main
from sandbox.kananas.webhooks import FORMS
from sandbox.server import Options, running
from tests.kananas_webhooks.receivers import ReceiverProcess

if TYPE_CHECKING:
    from pathlib import Path


def test_an_event_is_kept_whole(receiver: ReceiverProcess) -> None:
    body = '{ "id": 1.50, "nom": "Zoé"}\n'.encode()
    headers: dict[str, str | bytes] = {
        "Content-Type": "application/json; charset=utf-8",
        "X-Kananas-Signature": "sha256=abc",
        "X-Nom": "Zoé".encode("latin-1"),
        "Authorization": "Bearer hidden",
        "Cookie": "PHPSESSID=hidden",
        "X-Api-Key": "hidden",
        "Token": "hidden",
        "X-Original-URI": f"/hooks/{receiver.secret}?a=1",
        "Referer": f"https://x.example/%68ooks/{receiver.secret}",
    }
    address = f"{receiver.address}?source=zapier&tag=a&tag=b&access_token=hidden"
    answer = requests.post(address, body, headers=headers, timeout=30)
    assert (answer.status_code, answer.content) == (202, b"")
    event = receiver.events()[-1]
    assert event["body"] == body
    assert event["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert event["payload"] == '{ "id": 1.50, "nom": "Zoé"}'
    assert event["content_type"] == "application/json; charset=utf-8"
    assert json.loads(event["query"]) == {"source": "zapier", "tag": ["a", "b"]}
    kept = json.loads(event["headers"])
    assert kept["x-kananas-signature"] == "sha256=abc"
    assert kept["x-nom"] == "Zoé"
    assert not {"authorization", "cookie", "x-api-key", "token", "x-original-uri", "referer"} & {
        *kept
    }
    for column in event.keys():  # noqa: SIM118 - a row is no dict
        assert "hidden" not in str(event[column])
        assert receiver.secret not in str(event[column])
    age = datetime.now(timezone.utc) - datetime.fromisoformat(
        event["received_at"].rstrip("Z") + "+00:00"
    )
    assert timedelta() <= age < timedelta(seconds=60)


def test_every_form_of_the_sandbox_is_taken_and_read(receiver: ReceiverProcess) -> None:
    before = len(receiver.events())
    options = Options(contacts=3, companies=1, kananas_webhook=receiver.address)
    person = {"last_name": "Durand", "first_name": "Zoé", "organisation": "Élan & Cie"}
    with running(options) as server:
        answers = [requests.post(server.registration_url, person, timeout=30) for _ in FORMS]
        sent = server.webhooks.sent
        ids = [contact["id"] for contact in server.account.contacts][3:]
    assert [answer.json() for answer in answers] == [{"id": id_, "webhook": 202} for id_ in ids]
    assert [delivery.form for delivery in sent] == list(FORMS)
    events = receiver.events()[before:]
    assert len(events) == len(FORMS)
    for form, id_, event in zip(FORMS, ids, events, strict=True):
        if form == "text":
            assert event["payload"] is None
            assert event["body"].decode() == f"contact {id_} créé"
        else:
            assert str(id_) in event["payload"]
            assert ("Élan & Cie" in event["payload"]) is (form != "notice")


@pytest.mark.parametrize("coding", ["identity", "Identity", "", "identity, IDENTITY"])
def test_a_body_that_is_not_compressed_is_taken(receiver: ReceiverProcess, coding: str) -> None:
    before = len(receiver.events())
    headers = {"Content-Encoding": coding}
    answer = requests.post(receiver.address, b'{"id": 1}', headers=headers, timeout=30)
    assert answer.status_code == 202
    assert len(receiver.events()) == before + 1


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/hooks/{secret}", {}, 405),
        ("PUT", "/hooks/{secret}", {}, 405),
        ("GET", "/hooks/wrong", {}, 405),
        ("POST", "/hooks/wrong", {}, 404),
        ("POST", "/hooks/", {}, 404),
        ("POST", "/hooks/{secret}/", {}, 404),
        ("POST", "/hooks/{secret}x", {}, 404),
        ("POST", "/hooks/%FF%00", {}, 404),
        ("POST", "/", {}, 404),
        ("POST", "/healthz", {}, 405),
        ("POST", "/hooks/{secret}", {"Content-Type": "image/png"}, 415),
        ("POST", "/hooks/{secret}", {"Content-Encoding": "gzip"}, 415),
        ("POST", "/hooks/{secret}", {"Content-Encoding": "identity, GZIP"}, 415),
    ],
)
def test_anything_else_is_refused_without_a_word(
    receiver: ReceiverProcess, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    before = len(receiver.events())
    address = receiver.base + path.format(secret=receiver.secret)
    answer = requests.request(method, address, data=b"{}", headers=headers, timeout=30)
    assert (answer.status_code, answer.content) == (status, b"")
    assert len(receiver.events()) == before


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_have_a_limit(receiver: ReceiverProcess, chunked: bool) -> None:  # noqa: FBT001
    def send(size: int) -> int:
        body = b"x" * size
        data = iter([body[: size // 2], body[size // 2 :]]) if chunked else body
        headers = {"Content-Type": "text/plain"}
        return requests.post(receiver.address, data, headers=headers, timeout=30).status_code

    before = len(receiver.events())
    assert [send(100_000), send(100_001), send(1_000_000)] == [202, 413, 413]
    assert len(receiver.events()) == before + 1


def test_an_empty_body_is_an_event(receiver: ReceiverProcess) -> None:
    assert requests.post(receiver.address, timeout=30).status_code == 202
    assert receiver.events()[-1]["body"] == b""


def test_the_secret_is_in_no_log_and_no_one_else_can_read_the_store(
    receiver: ReceiverProcess,
) -> None:
    assert receiver.send("{}").status_code == 202
    assert requests.get(receiver.address, timeout=30).status_code == 405
    assert receiver.secret not in receiver.log
    for path in (receiver.store, receiver.store.with_name("events.sqlite-wal")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_health_and_metrics_tell_numbers(receiver: ReceiverProcess) -> None:
    assert receiver.send("{}").status_code == 202
    health = receiver.health()
    assert (health["code"], health["status"], health["problem"]) == (200, "ok", None)
    assert health["events"] == health["waiting"] == len(receiver.events())
    assert health["run"] is None
    text = requests.get(f"{receiver.base}/metrics", timeout=30).text
    numbers = dict(re.findall(r"^(kananas_webhooks_\S+) (\S+)$", text, re.MULTILINE))
    assert float(numbers["kananas_webhooks_events"]) == health["events"]
    assert float(numbers['kananas_webhooks_requests_total{status="202"}']) >= 1
    assert float(numbers["kananas_webhooks_store_writable"]) == 1
    assert receiver.secret not in text


def test_networks_can_be_told_which_may_send(tmp_path: Path) -> None:
    options = ("--allow", "192.0.2.0/24, 2001:db8::/32", "--proxy", "127.0.0.1")
    with ReceiverProcess(tmp_path / "receiver", *options) as receiver:
        for address, status in (
            (None, 403),
            ("198.51.100.7", 403),
            ("192.0.2.7", 202),
            ("2001:db8::7", 202),
            ("192.0.2.7, 198.51.100.7", 403),  # only the last one is the proxy's own word
            ("nonsense", 403),
        ):
            headers = {} if address is None else {"X-Forwarded-For": address}
            answer = requests.post(receiver.address, b"{}", headers=headers, timeout=30)
            assert answer.status_code == status, address
        assert len(receiver.events()) == 2
        assert receiver.stop() == 0
        assert "Traceback" not in receiver.log


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--allow", "nowhere"), 2, "--allow"),
        (("--max-store", "-1"), 2, "--max-store"),
        (("--host", "203.0.113.1"), 2, "--host"),
        (("--run", "elt", "--project", "/"), 2, "meltano"),
    ],
)
def test_wrong_usage_is_one_line(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    assert main(["serve", "--folder", str(tmp_path), "--port", "0", *arguments]) == code
    (line,) = capfd.readouterr().err.splitlines()
    assert words in line
