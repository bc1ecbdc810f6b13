"""Objects, their fields and their records: the metadata-driven part of the current generation."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.generate.crm.model import described_field, described_object, object_id
from sandbox.kizen import paging, searching
from sandbox.kizen.listing import DEFAULT_PAGE_SIZE, Lists

if TYPE_CHECKING:
    from array import array

    from starlette.requests import Request

    from sandbox.account import Account
    from sandbox.generate.crm.model import ObjectModel
    from sandbox.options import Options
    from sandbox.records import Record, Records


def not_visible() -> Response:
    """Return the answer to what does not exist, or is not visible to the user."""
    return JSONResponse({"detail": "Not found.", "code": "not_found"}, status_code=404)


class Objects:
    """``/custom-objects``, ``/records`` and ``/pipelines``."""

    def __init__(self, options: Options, account: Account, seed: int) -> None:
        """Serve the objects of ``account`` that the user may see."""
        self._options = options
        self._crm = account.crm
        self._seed = seed
        self._lists = Lists(options)

    def routes(self) -> list[Route]:
        """Return the routes, below the API's base address."""
        return [
            Route("/custom-objects", self.objects),
            Route("/custom-objects/{object}", self.object),
            Route("/custom-objects/{object}/fields", self.fields),
            Route("/records/{object}/search", self.search, methods=["POST"]),
            Route("/records/{record}/field-values/{field}", self.values),
            Route("/pipelines/{object}/stages", self.stages),
        ]

    def _visible(self) -> list[ObjectModel]:
        hidden = self._options.kizen_hidden
        return [model for model in self._crm.objects.values() if model.name not in hidden]

    def _model(self, request: Request) -> ObjectModel | None:
        wanted = request.path_params["object"]
        for model in self._visible():
            if wanted in {model.name, object_id(self._seed, model.name)}:
                return model
        return None

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
        model = self._model(request)
        return JSONResponse(described_object(self._seed, model)) if model else not_visible()

    async def fields(self, request: Request) -> Response:
        """Answer the fields of an object: a bare array."""
        model = self._model(request)
        if model is None:
            return not_visible()
        objects = self._crm.objects
        return JSONResponse(
            [
                described_field(self._seed, model, field, objects.get(field.relation or ""))
                for field in model.fields
            ]
        )

    async def stages(self, request: Request) -> Response:
        """Answer the stages of a pipeline."""
        model = self._model(request)
        if model is None or model.object_type != "pipeline":
            return not_visible()
        return self._lists.of_entries(request, self._crm.lists["stages"], count=False, bare=True)

    async def search(self, request: Request) -> Response:
        """Answer a page of the records of an object that the body asks for."""
        model = self._model(request)
        if model is None:
            return not_visible()
        self._crm.move(model.name)
        records = self._crm.records[model.name]
        try:
            search = searching.read(await request.body())
            chosen = searching.selected(search, records, self._options)
        except searching.RefusedSearchError as error:
            answer = {"query": [{"message": str(error), "code": "invalid"}]}
            return JSONResponse(answer, status_code=400)
        return self._page(request, records, chosen, search.field_names)

    def _page(
        self,
        request: Request,
        records: Records,
        chosen: array[int] | None,
        names: list[str] | None,
    ) -> Response:
        page = paging.requested(request, DEFAULT_PAGE_SIZE)
        if not isinstance(page, paging.Page):
            return page
        ordering = request.query_params.get("ordering", "created")
        orderings = ["created", "-created"]
        if "updated-ordering" not in self._options.kizen_refuses:
            orderings += ["updated", "-updated"]
        if ordering not in orderings:
            message = f"Unknown ordering: use one of {', '.join(orderings)}."
            return JSONResponse({"ordering": [{"message": message, "code": "invalid"}]}, 400)
        with records.lock:
            keys = chosen
            if ordering.endswith("updated"):
                keys = records.by_stamp(records.snapshot() if keys is None else keys)
            total = len(records) if keys is None else len(keys)
            results = records.encoded(
                page.start, page.end, descending=ordering.startswith("-"), of=keys
            )
        if names is not None:
            results = _only(results, names)
        count = self._lists.counted(documented=True)
        return paging.envelope(request, page, total, results, count=count, errors=True)

    async def values(self, request: Request) -> Response:
        """Answer a page of a to-many value of a record."""
        values = self._crm.long_value(request.path_params["record"], request.path_params["field"])
        if values is None:
            return not_visible()
        return self._lists.of_entries(request, cast("list[Record]", values), count=True)


def _only(results: bytes, names: list[str]) -> bytes:
    """Leave only the fields of these names in the records; unknown names do nothing."""
    records = msgspec.json.decode(b"[" + results + b"]", type=list[dict[str, object]])
    for record in records:
        fields = cast("dict[str, dict[str, object]]", record["fields"])
        record["fields"] = {key: f for key, f in fields.items() if f["name"] in names}
    return b",".join(map(msgspec.json.encode, records))
