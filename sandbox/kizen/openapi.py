"""The OpenAPI description of what the sandbox's Kizen serves."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.generate.crm.model import FIELD_TYPES
from sandbox.kizen.paging import LARGEST_PAGE

if TYPE_CHECKING:
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
_NAMED_AND_CREATED = _object(id=_ID, name=_TEXT, created=_TIME)

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
    "Stage": _object(id=_ID, name=_TEXT, order={"type": "integer"}),
    "ActivityType": _NAMED_AND_CREATED,
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
    "Form": _NAMED_AND_CREATED,
    "Survey": _NAMED_AND_CREATED,
    "Automation": _NAMED_AND_CREATED,
    "TeamMember": _MEMBER,
    "Role": _NAMED,
    "PermissionGroup": _NAMED,
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
}

_ONE, _PAGE, _COUNTED, _ARRAY, _EITHER = "one", "page", "counted", "array", "either"
_OPERATIONS = (
    ("get", "/company", "Company", _PAGE),
    ("get", "/client", "Client", _PAGE),
    ("get", "/custom-objects", "CustomObject", _COUNTED),
    ("get", "/custom-objects/{object}", "CustomObject", _ONE),
    ("get", "/custom-objects/{object}/fields", "Field", _ARRAY),
    ("post", "/records/{object}/search", "Record", _COUNTED),
    ("get", "/records/{record}/field-values/{field}", "FieldValue", _COUNTED),
    ("get", "/pipelines/{object}/stages", "Stage", _EITHER),
    ("get", "/activities", "ActivityType", _PAGE),
    ("get", "/activities/scheduled-activity", "ScheduledActivity", _COUNTED),
    ("post", "/activities/{activity}/responses", "LoggedActivity", _PAGE),
    ("get", "/forms", "Form", _PAGE),
    ("get", "/surveys", "Survey", _PAGE),
    ("get", "/team", "TeamMember", _EITHER),
    ("get", "/role", "Role", _PAGE),
    ("get", "/permission-group", "PermissionGroup", _PAGE),
    ("get", "/automation2/automations", "Automation", _COUNTED),
)


def _answer(item: str, kind: str) -> Schema:
    if kind == _ONE:
        return _ref(item)
    if kind == _ARRAY:
        return _array(_ref(item))
    page = _object(
        next={**_TEXT, "format": "uri", "nullable": True},
        previous={**_TEXT, "format": "uri", "nullable": True},
        results=_array(_ref(item)),
    )
    page["properties"] |= {"count": {"type": "integer"}, "errors": _array({})}
    if kind == _COUNTED:
        page["required"] = ["count", *page["required"]]
    return {"oneOf": [_array(_ref(item)), page]} if kind == _EITHER else page


def _parameters(path: str, kind: str) -> list[Schema]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    parameters = [{"name": n, "in": "path", "required": True, "schema": _TEXT} for n in names]
    if kind not in {_ONE, _ARRAY}:
        size = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE}
        parameters += [
            {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1}},
            {"name": "page_size", "in": "query", "schema": size},
            {"name": "ordering", "in": "query", "schema": _TEXT},
        ]
    return parameters


def _operation(method: str, path: str, item: str, kind: str) -> Schema:
    operation: Schema = {
        "operationId": f"{method}_{path.strip('/').translate(str.maketrans('/-', '__', '{}'))}",
        "parameters": _parameters(path, kind),
        "responses": {
            "200": {
                "description": "What was asked for",
                "content": {"application/json": {"schema": _answer(item, kind)}},
            },
            "401": {"description": "A header is missing or wrong"},
            "404": {"description": "Nothing there, or not visible; beyond the last page"},
            "503": {"description": "More requests in a second than the limit"},
        },
    }
    if method == "post":
        schema = _ref("Search") if item == "Record" else {"type": "object"}
        operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return operation


def description() -> Schema:
    """Return the OpenAPI 3.0.3 document."""
    paths: Schema = {}
    for method, path, item, kind in _OPERATIONS:
        paths.setdefault(path, {})[method] = _operation(method, path, item, kind)
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


async def schema(_request: Request) -> Response:
    """Answer ``GET /docs/schema``."""
    return JSONResponse(description())


def routes() -> list[Route]:
    """Return the routes, below the API's base address."""
    return [Route("/docs/schema", schema)]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(description(), indent=1, ensure_ascii=False) + "\n")
