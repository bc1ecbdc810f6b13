"""Objects, their fields and the search of their records: the metadata-driven part of Kizen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, cast

import msgspec
from starlette.responses import JSONResponse

from sandbox.crm import microseconds
from sandbox.generate.crm.model import described_field, described_object, object_id
from sandbox.kizen import pages
from sandbox.kizen.openapi import ARRAY, COUNTED, EITHER, ONE, Operation
from sandbox.kizen.pages import Lists, RefusedRequestError, not_visible

if TYPE_CHECKING:
    from array import array

    from starlette.requests import Request
    from starlette.responses import Response

    from sandbox.account import Account
    from sandbox.generate.crm.model import ObjectModel
    from sandbox.options import Options
    from sandbox.records import Record, Records


_EARLIEST, _LATEST = -(2**62), 2**62
_FILTERED = ("fields", "non_custom", "updated")


class Filter(msgspec.Struct):
    """One condition on a field of every record."""

    type: str
    subtype: str
    field: str
    condition: str
    value: Any


class Group(msgspec.Struct, rename={"every": "and"}):
    """Conditions of which every one must hold; ``or`` is not understood."""

    filters: list[Filter]
    every: bool = True


class Search(msgspec.Struct, rename={"every": "and"}):
    """The body of a search; no filter is an empty ``query``."""

    query: list[Group] = []
    every: bool = True
    field_names: list[str] | None = None


class Objects:
    """``/custom-objects``, ``/records`` and ``/pipelines``."""

    def __init__(self, options: Options, account: Account, seed: int) -> None:
        """Serve the objects of ``account`` that the user may see."""
        self._options = options
        self._crm = account.crm
        self._seed = seed
        self._lists = Lists(options)

    def routes(self) -> list[Operation]:
        """Return the routes, below the API's base address."""
        entity = "/custom-objects/{object}"
        values = "/records/{record}/field-values/{field}"
        return [
            Operation("/custom-objects", self.objects, "CustomObject", COUNTED),
            Operation(entity, self.object, "CustomObject", ONE),
            Operation(f"{entity}/fields", self.fields, "Field", ARRAY),
            Operation(
                "/records/{object}/search",
                self.search,
                "Record",
                COUNTED,
                method="POST",
                body="Search",
            ),
            Operation(values, self.values, "FieldValue", COUNTED),
            Operation("/pipelines/{object}/stages", self.stages, "Stage", EITHER),
        ]

    def _visible(self) -> list[ObjectModel]:
        hidden = self._options.kizen_hidden
        return [model for model in self._crm.objects.values() if model.name not in hidden]

    def _model(self, request: Request) -> ObjectModel:
        wanted = request.path_params["object"]
        for model in self._visible():
            if wanted in {model.name, object_id(self._seed, model.name)}:
                return model
        raise not_visible()

    async def objects(self, request: Request) -> Response:
        """Answer the objects; only custom ones unless ``custom_only=false`` (assumed)."""
        every = request.query_params.get("custom_only", "true").lower() == "false"
        entries = [
            described_object(self._seed, model)
            for model in self._visible()
            if every or model.is_custom
        ]
        return self._lists.of_entries(request, entries, count=True)

    async def object(self, request: Request) -> Response:
        """Answer one object, by its id or API name."""
        return JSONResponse(described_object(self._seed, self._model(request)))

    async def fields(self, request: Request) -> Response:
        """Answer the fields of an object: a bare array."""
        model, objects = self._model(request), self._crm.objects
        return JSONResponse(
            [
                described_field(self._seed, model, field, objects.get(field.relation or ""))
                for field in model.fields
            ]
        )

    async def stages(self, request: Request) -> Response:
        """Answer the stages of a pipeline."""
        if self._model(request).object_type != "pipeline":
            raise not_visible()
        return self._lists.of_entries(request, self._crm.stages, count=False, bare=True)

    async def search(self, request: Request) -> Response:
        """Answer a page of the records of an object that the body asks for."""
        name = self._model(request).name
        self._crm.move(name)
        records = self._crm.records[name]
        search = _search(await request.body())
        chosen = _selected(search, records, self._options)
        page = pages.requested(request)
        ordering = request.query_params.get("ordering", "created")
        orderings = ["created", "-created"]
        if "updated-ordering" not in self._options.kizen_refuses:
            orderings += ["updated", "-updated"]
        if ordering not in orderings:
            message = f"Unknown ordering: use one of {', '.join(orderings)}."
            error = {"message": message, "code": "invalid"}
            raise RefusedRequestError(400, {"ordering": [error]})
        with records.lock:
            keys = records.snapshot() if chosen is None else chosen
            if ordering.endswith("updated"):
                keys = records.by_timestamp(keys)
            results = records.encoded(
                page.start, page.end, descending=ordering.startswith("-"), of=keys
            )
        if search.field_names is not None:
            results = _only(results, search.field_names)
        count = self._lists.counted(documented=True)
        return pages.envelope(request, page, len(keys), results, count=count, errors=True)

    async def values(self, request: Request) -> Response:
        """Answer a page of a to-many value of a record."""
        values = self._crm.long_value(request.path_params["record"], request.path_params["field"])
        if values is None:
            raise not_visible()
        return self._lists.of_entries(request, cast("list[Record]", values), count=True)


def _refuse(message: str) -> NoReturn:
    raise RefusedRequestError(400, {"query": [{"message": message, "code": "invalid"}]})


def _search(body: bytes) -> Search:
    """Return the search that a request's body asks for."""
    try:
        return msgspec.json.decode(body, type=Search) if body else Search()
    except msgspec.MsgspecError as error:
        _refuse(str(error))


def _selected(search: Search, records: Records, options: Options) -> array[int] | None:
    """Return a snapshot of the records that ``search`` wants; None is all of them."""
    filters = [condition for group in search.query for condition in group.filters]
    if not filters:
        return None
    if not search.every or not all(group.every for group in search.query):
        _refuse("Only filters of which all must hold are understood.")
    low, high = _EARLIEST, _LATEST
    for condition in filters:
        kind = (condition.type, condition.subtype, condition.field)
        if kind != _FILTERED or "updated-filter" in options.kizen_refuses:
            _refuse(f"Field {condition.field} cannot be filtered.")
        moment = _moment(condition.value)
        if condition.condition == ">=":
            low = max(low, moment)
        elif condition.condition == ">":
            low = max(low, moment + 1)
        elif condition.condition == "<":
            high = min(high, moment)
        elif condition.condition == "<=":
            high = min(high, moment + 1)
        else:
            _refuse(f"Unknown condition {condition.condition}.")
    return records.between(low, high)


def _moment(value: object) -> int:
    if not isinstance(value, str):
        _refuse("This field may not be null.")
    try:
        return microseconds(value)
    except ValueError as error:
        _refuse(str(error))


def _only(results: bytes, names: list[str]) -> bytes:
    """Leave only the fields of these names in the records; unknown names do nothing."""
    records = msgspec.json.decode(b"[" + results + b"]", type=list[dict[str, object]])
    for record in records:
        fields = cast("dict[str, dict[str, object]]", record["fields"])
        record["fields"] = {key: f for key, f in fields.items() if f["name"] in names}
    return b",".join(map(msgspec.json.encode, records))
