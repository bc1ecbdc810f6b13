"""Contacts that register, and the webhooks that tell of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from sandbox.server import Options, running
from tests.kananas_webhooks.receivers import ReceiverProcess
from tests.sandbox.conftest import Client

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox

PERSON = {"last_name": "Durand", "first_name": "Zoé", "email": "zoe@example.org", "unknown": "x"}


def register(server: Sandbox) -> dict[str, int | None]:
    answer = requests.post(server.registration_url, PERSON, timeout=30)
    assert answer.status_code == 201
    found: dict[str, int | None] = answer.json()
    return found


@pytest.mark.parametrize("strings", [False, True])
def test_who_registers_is_served_among_all_others(session: requests.Session, strings: bool) -> None:  # noqa: FBT001
    options = Options(contacts=20, companies=5, numbers_as_strings=strings)
    with running(options) as server:
        before = Client(server, session).kananas().json()["contacts"]
        answers = [register(server) for _ in range(2)]
        contacts = Client(server, session).kananas().json()["contacts"]
    assert contacts[:-2] == before
    new = contacts[-2:]
    assert [contact["id"] for contact in new] == [answer["id"] for answer in answers]
    assert len({contact["id"] for contact in contacts}) == 22
    for contact in new:
        assert contact.keys() == before[0].keys()
        assert {type(contact[key]) for key in ("id", "balance")} == {str if strings else int}
        assert contact["email"] == "zoe@example.org"
    assert [answer["webhook"] for answer in answers] == [None, None]


def test_a_webhook_that_is_refused_or_reaches_nobody_is_told(tmp_path: Path) -> None:
    with ReceiverProcess(tmp_path / "receiver") as receiver:
        wrong = Options(contacts=1, companies=1, kananas_webhook=f"{receiver.base}/hooks/wrong")
        with running(wrong) as server:
            assert register(server)["webhook"] == 404
        receiver.stop()
        with running(wrong) as server:
            assert register(server)["webhook"] is None
            assert [sent.status for sent in server.webhooks.sent] == [None]


def test_the_address_is_a_secret_and_has_to_be_one_of_http() -> None:
    address = "http://127.0.0.1/hooks/hidden"
    assert address not in repr(Options(kananas_webhook=address))
    with pytest.raises(ValueError, match="begins with http") as error:
        Options(kananas_webhook="ftp://hidden")
    assert "hidden" not in str(error.value)
    with pytest.raises(ValueError, match="use one of varied, event"):
        Options(kananas_webhook_form="xml")
