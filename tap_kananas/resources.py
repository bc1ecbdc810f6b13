"""What the tap asks for: `contacts`, and whatever the setting `requests` adds.

Only `contacts` has a public name. An account's owner may know others; each becomes a stream.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTACTS = "contacts"
WEBHOOK_EVENTS = "webhook_events"

#: Parameters the tap sends itself.
RESERVED_PARAMETERS = frozenset({"event", "request"})

# The API also writes ("expense creation"), and its words for that are not public. Request
# values are refused by what they say, in the two languages in which they may be named.
_WRITING = frozenset({
    "add", "adds", "append", "change", "clear", "create", "creates", "creation", "del", "delete",
    "deletes", "deletion", "drop", "edit", "erase", "insert", "import", "merge", "modify", "new",
    "patch", "post", "purge", "put", "register", "remove", "replace", "reset", "save", "send",
    "set", "store", "subscribe", "unsubscribe", "update", "updates", "upload", "upsert", "write",
    "ajout", "ajouter", "annuler", "changer", "creer", "desinscrire", "ecrire", "effacer",
    "enregistrer", "envoi", "envoyer", "fusionner", "importer", "inscrire", "inserer", "maj",
    "modification", "modifier", "nouveau", "nouvelle", "remplacer", "suppression", "supprimer",
    "valider", "vider",
})  # fmt: skip
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def writing_word(request: str) -> str | None:
    """Return the word by which a request value says that it writes; None where there is none.

    `add_contact`, `contactDelete` and `création` say so, `contacts_updated` and `news` do not.
    """
    plain = unicodedata.normalize("NFKD", request).encode("ascii", "ignore").decode()
    words = [word.lower() for word in _WORD.findall(plain)]
    return next((word for word in words if word in _WRITING), None)


@dataclass(frozen=True)
class Paging:
    """How a list is read page by page.

    Attributes:
        kind: `page` counts pages, `offset` counts records.
        parameter: The query parameter that says which page, or from which record on.
        size_parameter: The query parameter that says how many records a page has, if there is one.
        size: How many records a page has.
        first: The number of the first page or record.
    """

    kind: str
    parameter: str
    size_parameter: str | None
    size: int
    first: int


@dataclass(frozen=True)
class Resource:
    """A list of Kananas, and how it is read.

    Attributes:
        name: The name of the stream, and of its table.
        request: The value of `request` in the query string.
        records_path: Where the records are in the response; None to find out.
        primary_keys: The columns that tell one record from another.
        replication_key: The column that says when a record changed; None to read whole tables.
        replication_parameter: The query parameter that takes the lower bound of it.
        replication_format: How the bound is written; None as the column has it.
        params: Further query parameters.
        paging: None to read the list in one request.
        min_records: The fewest records a whole list may have.
    """

    name: str
    request: str
    primary_keys: tuple[str, ...]
    records_path: str | None = None
    replication_key: str | None = None
    replication_parameter: str | None = None
    replication_format: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    paging: Paging | None = None
    min_records: int = 0


def resources(config: Mapping[str, Any]) -> list[Resource]:
    """Return all that the settings ask for, `contacts` first.

    Raises:
        ConfigurationError: If the setting `requests` contradicts itself, or asks to write.
    """
    found: dict[str, Resource] = {}
    items = config.get("requests") or []
    if not any(item["name"] == CONTACTS for item in items):
        items = [{"name": CONTACTS, "request": CONTACTS}, *items]
    for item in items:
        where = f"setting 'requests' (TAP_KANANAS_REQUESTS), '{item['name']}'"
        if item["name"] == WEBHOOK_EVENTS:
            message = f"{where}: the name is that of the events webhook_store holds"
            raise ConfigurationError(message)
        if item["name"] in found:
            message = f"{where}: the name is there twice"
            raise ConfigurationError(message)
        found[item["name"]] = _resource(item, config, where)
    return list(found.values())


def _resource(item: Mapping[str, Any], config: Mapping[str, Any], where: str) -> Resource:
    contacts = item["name"] == CONTACTS
    word = writing_word(item["request"])
    if word is not None:
        message = f"{where}: request '{item['request']}' says '{word}', and the tap only reads"
        raise ConfigurationError(message)
    key, parameter = item.get("replication_key"), item.get("replication_parameter")
    if (key is None) != (parameter is None):
        message = (
            f"{where}: 'replication_key' (the column) and 'replication_parameter' (the query "
            "parameter that takes its lower bound) go together"
        )
        raise ConfigurationError(message)
    paging = _paging(item.get("paging"), where)
    params = {name: str(value) for name, value in (item.get("params") or {}).items()}
    _check_parameters(params, paging, parameter, config, where)
    return Resource(
        name=item["name"],
        request=item["request"],
        records_path=item.get("records_path", config.get("records_path") if contacts else None),
        primary_keys=tuple(item.get("primary_keys") or config["primary_keys"]),
        replication_key=key,
        replication_parameter=parameter,
        replication_format=item.get("replication_format"),
        params=params,
        paging=paging,
        min_records=item.get("min_records", config["min_records"] if contacts else 0),
    )


def _paging(item: Mapping[str, Any] | None, where: str) -> Paging | None:
    if item is None or item["kind"] == "none":
        return None
    missing = [name for name in ("parameter", "size") if name not in item]
    if missing:
        message = f"{where}: paging by {item['kind']} needs {' and '.join(missing)}"
        raise ConfigurationError(message)
    first = item.get("first", 1 if item["kind"] == "page" else 0)
    return Paging(item["kind"], item["parameter"], item.get("size_parameter"), item["size"], first)


def _check_parameters(
    params: Mapping[str, str],
    paging: Paging | None,
    bound: str | None,
    config: Mapping[str, Any],
    where: str,
) -> None:
    """Refuse parameters that clash, and a key in the address, where logs would show it."""
    own = [bound]
    if paging is not None:
        own += [paging.parameter, paging.size_parameter]
    named = [*params, *(name for name in own if name is not None)]
    clash = next((name for name in named if name in RESERVED_PARAMETERS), None)
    if clash is not None:
        message = f"{where}: the parameter '{clash}' is sent by the tap itself"
        raise ConfigurationError(message)
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        message = f"{where}: the parameter '{twice}' is given twice"
        raise ConfigurationError(message)
    secret = config["secret_key"]
    if any("token" in name.casefold() for name in named) or secret in params.values():
        message = f"{where}: the key is sent in a header, and never in the address"
        raise ConfigurationError(message)
