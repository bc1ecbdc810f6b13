"""Each streak of failures is told once by each channel, and its end once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from refresh import channels
from refresh.alerts import Alerts, Notifier
from refresh.channels import ChannelError, ping, tell
from refresh.settings import SettingError, Settings, read
from tests.refresh.servers import http, raw, smtp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.refresh.servers import Heard

MESSAGE = {"subject": "kizen failed", "text": "kizen: <no> & more", "event": "failure"}


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "meltano.yml").touch()
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(channels, "_FIRST_PAUSE", 0.01)


@pytest.fixture
def hook() -> Iterator[Heard]:
    with http() as heard:
        yield heard


def _settings(tmp_path: Path, **variables: str) -> Settings:
    lines = [f"{name}='{value}'\n" for name, value in variables.items()]
    (tmp_path / ".env").write_text("".join(lines), encoding="utf-8")
    return read("prod", tmp_path)


class Nights:
    """Runs, one after the other, of which only the alerts are real."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._number = 0
        self.warnings: list[str] = []

    def night(self, **errors: str) -> None:
        """Run the steps `kananas` and `kizen`; name those that fail."""
        self._number += 1
        alerts = Alerts.read(self._settings.folder / "alerts.json")
        for step in ("kananas", "kizen"):
            alerts.note(step, f"night {self._number}", errors.get(step))
        alerts.write()
        alerts.tell(Notifier(self._settings, str(self._number), self.warnings.append))


def _heard(hook: Heard) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (body["event"], [(step["step"], step["since"]) for step in body["steps"]])
        for body in hook.bodies
    ]


def test_a_streak_is_told_once_and_so_is_its_end(tmp_path: Path, hook: Heard) -> None:
    nights = Nights(_settings(tmp_path, REFRESH_WEBHOOK_URL=hook.url))
    nights.night()
    for _ in range(3):
        nights.night(kizen="down")
    nights.night(kizen="down", kananas="wrong key")
    nights.night(kananas="wrong key")
    nights.night()
    nights.night()
    nights.night(kizen="down again")
    assert _heard(hook) == [
        ("failure", [("kizen", "night 2")]),
        ("failure", [("kananas", "night 5")]),
        ("recovery", [("kizen", "night 2")]),
        ("recovery", [("kananas", "night 5")]),
        ("failure", [("kizen", "night 9")]),
    ]
    assert "down" in hook.bodies[0]["text"]
    assert "kananas still fails" in hook.bodies[2]["text"]
    assert not nights.warnings


def test_what_nobody_heard_is_told_with_the_next_run(tmp_path: Path, hook: Heard) -> None:
    nights = Nights(_settings(tmp_path, REFRESH_WEBHOOK_URL=hook.url))
    hook.codes = [500] * channels.TRIES
    nights.night(kizen="down")
    assert len(nights.warnings) == 1
    assert "webhook was not told of the failure: the address answered 500" in nights.warnings[0]
    nights.night(kizen="down")
    nights.night(kizen="down")
    assert _heard(hook) == [("failure", [("kizen", "night 1")])]
    hook.codes = [500] * channels.TRIES
    nights.night()
    nights.night()
    nights.night()
    assert _heard(hook)[1:] == [("recovery", [("kizen", "night 1")])]


def test_a_failure_that_nobody_heard_of_is_in_the_news_of_its_end(
    tmp_path: Path, hook: Heard
) -> None:
    settings = _settings(tmp_path, REFRESH_WEBHOOK_URL=hook.url, REFRESH_ON_RECOVERY="")
    nights = Nights(settings)
    hook.codes = [500] * channels.TRIES
    nights.night(kizen="down")
    nights.night()
    nights.night()
    assert _heard(hook) == [("recovery", [("kizen", "night 1")])]
    # Who wants failures only hears no more than this of an end.
    nights.night(kizen="down")
    nights.night()
    assert _heard(hook)[1:] == [("failure", [("kizen", "night 4")])]


def test_a_stumble_is_tried_again_at_once(tmp_path: Path, hook: Heard) -> None:
    settings = _settings(tmp_path, REFRESH_WEBHOOK_URL=hook.url)
    hook.codes = [503, 429]
    tell("webhook", settings, MESSAGE)
    assert len(hook.bodies) == 1


def test_a_redirection_takes_no_message(tmp_path: Path, hook: Heard) -> None:
    settings = _settings(tmp_path, REFRESH_WEBHOOK_URL=hook.url)
    hook.codes = [302] * channels.TRIES
    with pytest.raises(ChannelError, match="302, which leads elsewhere: REFRESH_WEBHOOK_URL must"):
        tell("webhook", settings, MESSAGE)
    assert hook.requests == []
    # A ping has no text that could be lost.
    hook.codes = [301]
    ping(hook.url)
    assert hook.paths == ["/elsewhere"]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([b"SSH-2.0-server\r\n"], "no answer in HTTP"),
        ([b""], "no connection"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz"], "no answer in HTTP"),
        ([b"HTTP/1.1 200 OK\r\nX: "] + [b"x"] * 100, "no whole answer within 0.25 s"),
    ],
)
def test_what_is_no_answer_ends_in_time_and_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: list[bytes], said: str
) -> None:
    monkeypatch.setattr(channels, "SECONDS", 0.25)
    with raw(*parts, pause=0.05) as url:
        settings = _settings(tmp_path, REFRESH_WEBHOOK_URL=url)
        with pytest.raises(ChannelError, match=said):
            tell("webhook", settings, MESSAGE)


def test_a_login_in_an_address_is_sent_as_one(tmp_path: Path, hook: Heard) -> None:
    url = hook.url.replace("//", "//zoe:p%40ss@")
    tell("webhook", _settings(tmp_path, REFRESH_WEBHOOK_URL=url), MESSAGE)
    ping(url)
    assert hook.logins == ["Basic em9lOnBAc3M="] * 2


def test_a_damaged_memory_is_none(tmp_path: Path) -> None:
    path = tmp_path / "alerts.json"
    for failing in ({"kizen": "x"}, {"kizen": {"since": "x"}}, ["kizen"], None):
        content = {"failing": failing, "told": {}, "owed": {}}
        path.write_text(json.dumps(content), encoding="utf-8")
        assert Alerts.read(path) == Alerts(path)


def test_a_run_by_root_leaves_the_memory_to_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = tmp_path.stat().st_uid or 65_534
    if os.geteuid() == 0:
        os.chown(tmp_path, owner, -1)
    given: list[int] = []
    monkeypatch.setattr(os, "chown", lambda _path, user, _group: given.append(user))
    monkeypatch.setattr(os, "geteuid", lambda: owner)
    Alerts(tmp_path / "alerts.json").write()
    assert given == []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    Alerts(tmp_path / "first.json").write()
    assert given == [owner]


def test_what_was_told_is_kept_where_no_file_can_be_given_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_given: object) -> None:
        raise PermissionError

    if os.geteuid() == 0:
        os.chown(tmp_path, 65_534, -1)
    monkeypatch.setattr(os, "chown", refuse)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    Alerts(tmp_path / "alerts.json").write()
    assert (tmp_path / "alerts.json").is_file()


def test_slack_and_teams_get_what_they_read(tmp_path: Path, hook: Heard) -> None:
    for form in ("slack", "teams"):
        form_settings = _settings(tmp_path, REFRESH_WEBHOOK_URL=hook.url, REFRESH_WEBHOOK_FORM=form)
        tell("webhook", form_settings, MESSAGE)
    slack, teams = hook.bodies
    assert slack == {"text": "kizen failed\nkizen: &lt;no&gt; &amp; more"}
    (attachment,) = teams["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert [block["text"] for block in attachment["content"]["body"]] == [
        "kizen failed",
        "kizen: <no> & more",
    ]


def test_a_ping_says_how_the_run_stands(hook: Heard) -> None:
    for ending in ("/start", "", "/fail"):
        ping(f"{hook.url}/uuid/?rid=1", ending)
    assert hook.paths == ["/uuid/start?rid=1", "/uuid?rid=1", "/uuid/fail?rid=1"]


def test_a_command_reads_the_message(tmp_path: Path) -> None:
    file = tmp_path / "told.json"
    program = f"import sys; open({str(file)!r}, 'w').write(sys.stdin.read())".replace("'", '"')
    (tmp_path / "take.py").write_text(program, encoding="utf-8")
    settings = _settings(tmp_path, REFRESH_COMMAND=f"{sys.executable} {tmp_path / 'take.py'}")
    tell("command", settings, MESSAGE)
    assert json.loads(file.read_text(encoding="utf-8")) == MESSAGE
    with pytest.raises(ChannelError, match="exit code 1"):
        tell("command", _settings(tmp_path, REFRESH_COMMAND="false"), MESSAGE)
    with pytest.raises(ChannelError, match="did not run"):
        tell("command", _settings(tmp_path, REFRESH_COMMAND="/no/such/program"), MESSAGE)


def test_mail_without_encryption(tmp_path: Path) -> None:
    with smtp() as post:
        settings = _settings(
            tmp_path,
            REFRESH_MAIL_TO="ops@example.org, boss@example.org",
            REFRESH_MAIL_FROM="refresh@example.org",
            REFRESH_SMTP_HOST="127.0.0.1",
            REFRESH_SMTP_PORT=str(post.port),
            REFRESH_SMTP_SECURITY="none",
        )
        tell("email", settings, MESSAGE)
        (letter,) = post.letters
        assert letter["Subject"] == "kizen failed"
        assert letter["To"] == "ops@example.org, boss@example.org"
        assert letter.get_content().strip() == "kizen: <no> & more"
        post.refuses = "boss@"
        assert "refused 1 of the addresses: check REFRESH_MAIL_TO" in tell(
            "email", settings, MESSAGE
        )
        assert len(post.letters) == 2
        post.refuses = "RCPT"
        with pytest.raises(ChannelError, match="REFRESH_MAIL_TO") as error:
            tell("email", settings, MESSAGE)
        post.refuses = "MAIL"
        with pytest.raises(ChannelError, match="answered 550 to the sender: check REFRESH_MAIL_FR"):
            tell("email", settings, MESSAGE)
    assert "ops@" not in str(error.value)
    with pytest.raises(ChannelError, match="refused: check REFRESH_SMTP_HOST, REFRESH_SMTP_PORT"):
        tell("email", settings, MESSAGE)


def test_a_mail_server_that_says_nothing_ends_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "SECONDS", 0.25)
    with raw() as url:
        settings = _settings(
            tmp_path,
            REFRESH_MAIL_TO="ops@example.org",
            REFRESH_SMTP_HOST="127.0.0.1",
            REFRESH_SMTP_PORT=url.rpartition(":")[2],
        )
        with pytest.raises(ChannelError, match="check REFRESH_SMTP_HOST, REFRESH_SMTP_PORT and"):
            tell("email", settings, MESSAGE)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")
def test_mail_by_starttls_with_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = tmp_path / "certificate.pem"
    openssl = shutil.which("openssl")
    assert openssl is not None
    subprocess.run(
        [
            openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            "-keyout", str(certificate), "-out", str(tmp_path / "public.pem"),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    public = (tmp_path / "public.pem").read_text(encoding="utf-8")
    certificate.write_text(certificate.read_text(encoding="utf-8") + public, encoding="utf-8")
    with smtp(certificate) as post:
        settings = _settings(
            tmp_path,
            REFRESH_MAIL_TO="ops@example.org",
            REFRESH_SMTP_HOST="localhost",
            REFRESH_SMTP_PORT=str(post.port),
            REFRESH_SMTP_USER="me",
            REFRESH_SMTP_PASSWORD="hunter2",
        )
        # Nobody vouches for the certificate: no password is sent.
        with pytest.raises(ChannelError) as error:
            tell("email", settings, MESSAGE)
        assert "hunter2" not in str(error.value)
        assert post.logins == []
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "public.pem"))
        tell("email", settings, MESSAGE)
        assert post.logins == ["\0me\0hunter2"]
        post.password = "another"
        with pytest.raises(ChannelError, match="answered 535: check REFRESH_SMTP_USER and"):
            tell("email", settings, MESSAGE)
    assert post.encrypted == [True]
    assert len(post.letters) == 1


def test_no_address_is_in_what_is_said_of_a_channel(tmp_path: Path) -> None:
    with http() as gone:
        url = f"{gone.url}/T0/secret"
    with pytest.raises(ChannelError) as error:
        tell("webhook", _settings(tmp_path, REFRESH_WEBHOOK_URL=url), MESSAGE)
    assert "secret" not in str(error.value)
    assert "no connection" in str(error.value)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"REFRESH_WEBHOOK_URL": "hooks.example.org"}, "REFRESH_WEBHOOK_URL"),
        ({"REFRESH_WEBHOOK_FORM": "mattermost"}, "REFRESH_WEBHOOK_FORM"),
        ({"REFRESH_WEBHOOK_URL": "https://hooks.example.org:x/T0"}, "REFRESH_WEBHOOK_URL"),
        ({"REFRESH_WEBHOOK_URL": "https://hooks.example.org/T 0"}, "REFRESH_WEBHOOK_URL"),
        ({"REFRESH_PING_URL": "file:///etc/passwd"}, "REFRESH_PING_URL"),
        ({"REFRESH_COMMAND": 'notify "all'}, "REFRESH_COMMAND"),
        ({"REFRESH_MAIL_TO": "ops <", "REFRESH_SMTP_HOST": "h"}, "REFRESH_MAIL_TO"),
        ({"REFRESH_MAIL_TO": "a@b; c@d", "REFRESH_SMTP_HOST": "h"}, "REFRESH_MAIL_TO"),
        ({"REFRESH_MAIL_TO": "a@b c@d", "REFRESH_SMTP_HOST": "h"}, "REFRESH_MAIL_TO"),
        ({"REFRESH_MAIL_TO": "mailto:a@b", "REFRESH_SMTP_HOST": "h"}, "REFRESH_MAIL_TO"),
        ({"REFRESH_MAIL_TO": "a@b", "REFRESH_SMTP_HOST": "h:587"}, "REFRESH_SMTP_HOST"),
        ({"REFRESH_MAIL_TO": "a@b", "REFRESH_SMTP_HOST": "smtp://h"}, "REFRESH_SMTP_HOST"),
        (
            {"REFRESH_MAIL_TO": "a@b", "REFRESH_SMTP_HOST": "h", "REFRESH_MAIL_FROM": "x y"},
            "REFRESH_MAIL_FROM",
        ),
        (
            {"REFRESH_MAIL_TO": "a@b", "REFRESH_SMTP_HOST": "h", "REFRESH_SMTP_PORT": "70000"},
            "REFRESH_SMTP_PORT",
        ),
        ({"DUCKDB_RUNS_PATH": "~nobody-of-this-name/runs.jsonl"}, "DUCKDB_RUNS_PATH"),
        ({"REFRESH_MAIL_TO": "ops@example.org"}, "REFRESH_SMTP_HOST"),
        ({"REFRESH_ON_FAILURE": "pigeon"}, "REFRESH_ON_FAILURE"),
        ({"REFRESH_SOURCES": "kananas, salesforce"}, "REFRESH_SOURCES"),
        ({"REFRESH_STEP_TIMEOUT": "soon"}, "REFRESH_STEP_TIMEOUT"),
        (
            {
                "REFRESH_MAIL_TO": "a@b",
                "REFRESH_SMTP_HOST": "h",
                "REFRESH_SMTP_PASSWORD": "p",
                "REFRESH_SMTP_SECURITY": "none",
            },
            "REFRESH_SMTP_SECURITY",
        ),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, variables: dict[str, str], named: str) -> None:
    with pytest.raises(SettingError, match=named):
        _settings(tmp_path, **variables)


def test_what_is_right_beside_a_wrong_setting_is_known(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="REFRESH_STEP_TIMEOUT") as error:
        _settings(tmp_path, REFRESH_WEBHOOK_URL="https://hook.example", REFRESH_STEP_TIMEOUT="soon")
    assert error.value.others is not None
    assert error.value.others.on_failure == ("webhook",)


def test_settings_as_people_write_them(tmp_path: Path) -> None:
    settings = _settings(
        tmp_path,
        REFRESH_WEBHOOK_URL=" https://hook.example ",
        REFRESH_COMMAND=" ",
        REFRESH_SOURCES="",
        REFRESH_MAIL_TO='"Dupont, Zoé" <zoe@example.org>, root,',
        REFRESH_SMTP_HOST="h",
    )
    assert settings.on_failure == ("webhook", "email")
    assert settings.sources == ("kananas", "kizen")
    assert settings.mail is not None
    assert settings.mail.to == ('"Dupont, Zoé" <zoe@example.org>', "root")
    (tmp_path / ".env").write_bytes(b"# caf\xe9\n")
    with pytest.raises(SettingError, match=r"\.env: line 1 is no UTF-8"):
        read("prod", tmp_path)
