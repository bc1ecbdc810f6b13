"""The OpenAPI description of what the sandbox's Kizen serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from sandbox.generate.crm.lists import FIXED_LISTS
from sandbox.generate.crm.model import FIELD_TYPES
from sandbox.kizen.pages import LARGEST_PAGE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.requests import Request
    from starlette.responses import Response

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NULLABLE_TEXT: Schema = {"type": "string", "nullable": True}
_ID: Schema = {"type": "string", "format": "uuid"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_NULLABLE_TIME: Schema = {**_TIME, "nullable": True}
_FLAG: Schema = {"type": "boolean"}


def _object(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_NAMED = _object(id=_ID, name=_TEXT)
_MEMBER = _object(id=_ID, first_name=_TEXT, last_name=_TEXT, email=_TEXT)

# The keys that entries of fixed lists have.
_KEYS = {
    "id": _ID, "name": _TEXT, "created": _TIME, "first_name": _TEXT, "last_name": _TEXT,
    "email": _TEXT,
}  # fmt: skip

_SCHEMAS: dict[str, Schema] = {
    "Company": _object(
        id=_ID,
        name=_TEXT,
        email=_NULLABLE_TEXT,
        mobile_phone=_NULLABLE_TEXT,
        business_phone=_NULLABLE_TEXT,
        addresses=_array(
            _object(
                full_name=_NULLABLE_TEXT,
                street_address=_TEXT,
                street_address_2=_TEXT,
                city=_TEXT,
                postal_code=_TEXT,
                state=_NULLABLE_TEXT,
                country=_TEXT,
            )
        ),
        tags=_array(_NAMED),
        domains=_array(_NAMED),
        created=_TIME,
        custom_fields={
            "type": "object",
            "additionalProperties": _object(field_id=_ID, value={"nullable": True}),
        },
    ),
    "Client": _object(
        id=_ID,
        first_name=_TEXT,
        last_name=_TEXT,
        email=_NULLABLE_TEXT,
        mobile_phone=_NULLABLE_TEXT,
        business_phone=_NULLABLE_TEXT,
        company={**_NAMED, "nullable": True},
        tags=_array(_NAMED),
        created=_TIME,
        custom_fields={"type": "object"},
    ),
    "CustomObject": _object(
        id=_ID,
        name=_TEXT,
        object_name=_TEXT,
        entity_name=_TEXT,
        object_type={"type": "string", "enum": ["standard", "pipeline"]},
        is_custom=_FLAG,
        description=_TEXT,
        created=_TIME,
    ),
    "Field": _object(
        id=_ID,
        name=_TEXT,
        display_name=_TEXT,
        field_type={"type": "string", "enum": list(FIELD_TYPES)},
        category=_ID,
        is_required=_FLAG,
        is_read_only=_FLAG,
        is_hidden=_FLAG,
        options=_array(_object(id=_ID, code=_TEXT, name=_TEXT)),
        relation={
            **_object(
                related_object=_ID,
                related_object_object_name=_TEXT,
                cardinality={"type": "string", "enum": ["many_to_one", "many_to_many"]},
            ),
            "nullable": True,
        },
    ),
    "Record": _object(
        id=_ID,
        object_type={"type": "string", "enum": ["standard", "pipeline"]},
        client_info={"type": "object", "nullable": True},
        access=_object(view=_FLAG, edit=_FLAG, remove=_FLAG),
        fields={"type": "object", "additionalProperties": _ref("RecordField")},
    ),
    "RecordField": {
        "type": "object",
        "properties": {
            "id": _ID,
            "name": _TEXT,
            "field_type": {"type": "string", "enum": list(FIELD_TYPES)},
            "display_name": _TEXT,
            "value": {"nullable": True},
            "value_summary": _object(count={"type": "integer"}),
        },
        "required": ["id", "name", "field_type", "display_name"],
        "oneOf": [{"required": ["value"]}, {"required": ["value_summary"]}],
        "additionalProperties": False,
    },
    "FieldValue": {"type": "object", "properties": {"id": _ID}, "required": ["id"]},
    "Stage": _object(
        id=_ID,
        name=_TEXT,
        order={"type": "integer"},
        status=_TEXT,
        percentage_chance_to_close={"type": "integer"},
    ),
    "LoggedActivity": _object(
        id=_ID,
        activity=_NAMED,
        logged_at=_TIME,
        created=_TIME,
        logged_by=_MEMBER,
        company=_NAMED,
        note=_TEXT,
    ),
    "ScheduledActivity": _object(
        id=_ID,
        activity=_NAMED,
        created=_TIME,
        due_datetime=_TIME,
        completed_at=_NULLABLE_TIME,
        assigned_to=_MEMBER,
    ),
    "Search": {
        "type": "object",
        "properties": {
            "and": _FLAG,
            "query": _array(
                {
                    "type": "object",
                    "properties": {
                        "and": _FLAG,
                        "filters": _array(
                            _object(
                                type=_TEXT,
                                subtype=_TEXT,
                                field=_TEXT,
                                condition=_TEXT,
                                value=_TEXT,
                            )
                        ),
                    },
                }
            ),
            "field_names": {**_array(_TEXT), "nullable": True},
        },
    },
    **{fixed.schema: _object(**{key: _KEYS[key] for key in fixed.keys}) for fixed in FIXED_LISTS},
}

ONE, PAGE, COUNTED, ARRAY, EITHER = "one", "page", "counted", "array", "either"
"""The shapes of answers: one item, pages, pages with a count, a bare array, an array or pages."""


class Operation(Route):
    """A route, and what the description says of it."""

    def __init__(  # noqa: PLR0913 - what an operation has
        self,
        path: str,
        endpoint: Callable[[Request], Awaitable[Response]],
        item: str,
        shape: str,
        *,
        method: str = "GET",
        body: str | None = None,
    ) -> None:
        """Answer items of a schema in a shape; ``body`` is the schema of what is sent, if known."""
        super().__init__(path, endpoint, methods=[method])
        self._method = method.lower()
        self._item = item
        self._shape = shape
        self._body = body

    def described(self) -> tuple[str, str, Schema]:
        """Return path, method and the operation as OpenAPI has it."""
        name = self.path.strip("/").translate(str.maketrans("/-", "__", "{}"))
        operation: Schema = {
            "operationId": f"{self._method}_{name}",
            "parameters": _parameters(self.path, self._shape),
            "responses": {
                "200": {
                    "description": "What was asked for",
                    "content": {"application/json": {"schema": _answer(self._item, self._shape)}},
                },
                "401": {"description": "A header is missing or wrong"},
                "404": {"description": "Nothing there, or not visible; beyond the last page"},
                "503": {"description": "More requests in a second than the limit"},
            },
        }
        if self._method == "post":
            schema = _ref(self._body) if self._body else {"type": "object"}
            operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
        return self.path, self._method, operation


def _answer(item: str, kind: str) -> Schema:
    if kind == ONE:
        return _ref(item)
    if kind == ARRAY:
        return _array(_ref(item))
    page = _object(
        next={**_TEXT, "format": "uri", "nullable": True},
        previous={**_TEXT, "format": "uri", "nullable": True},
        results=_array(_ref(item)),
    )
    page["properties"] |= {"count": {"type": "integer"}, "errors": _array({})}
    if kind == COUNTED:
        page["required"] = ["count", *page["required"]]
    return {"oneOf": [_array(_ref(item)), page]} if kind == EITHER else page


def _parameters(path: str, kind: str) -> list[Schema]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    parameters = [{"name": n, "in": "path", "required": True, "schema": _TEXT} for n in names]
    if kind not in {ONE, ARRAY}:
        size = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE}
        parameters += [
            {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1}},
            {"name": "page_size", "in": "query", "schema": size},
            {"name": "ordering", "in": "query", "schema": _TEXT},
        ]
    return parameters


def description(operations: Iterable[Operation]) -> Schema:
    """Return the OpenAPI 3.0.3 document of these operations."""
    paths: Schema = {}
    for path, method, operation in map(Operation.described, operations):
        paths.setdefault(path, {})[method] = operation
    keys = ("X-API-Key", "X-User-Id", "X-Business-Id")
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "Kizen as the sandbox serves it",
            "version": "1",
            "description": "What is assumed, and what is known of Kizen: see docs/sandbox.md.",
        },
        "servers": [{"url": "/api"}],
        "security": [{key: [] for key in keys}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                key: {"type": "apiKey", "in": "header", "name": key} for key in keys
            },
            "schemas": _SCHEMAS,
        },
    }
