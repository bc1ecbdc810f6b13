"""The objects of the sandbox's Kizen account and their fields.

The names of the company and contact objects, and the contact's default fields, are Kizen's; the
other names are this project's invention, as every account has its own.
"""

from __future__ import annotations

from typing import NamedTuple

from sandbox.generate.seeds import uuid
from sandbox.generate.spelling import slug_words

Record = dict[str, object]

COMPANY = "companies_company"
CONTACT = "client_client"
DEAL = "deal_subvention"
PROJECT = "projet_projet"

FIELD_TYPES = (
    "checkbox", "checkboxes", "choices", "date", "datetime", "decimal", "dropdown", "dynamictags",
    "email", "files", "integer", "longtext", "money", "phonenumber", "radio", "rating",
    "relationship", "selector", "status", "team_selector", "text", "timezone", "wysiwyg",
    "yesnomaybe",
)  # fmt: skip
"""The 24 types that a field can have."""


class Field(NamedTuple):
    """One field of an object; ``relation`` is the object it leads to, ``many`` to how many."""

    name: str
    display_name: str
    field_type: str
    is_custom: bool = False
    options: tuple[str, ...] = ()
    relation: str | None = None
    many: bool = False
    is_hidden: bool = False


class ObjectModel(NamedTuple):
    """One object: API name, labels and fields."""

    name: str
    plural: str
    singular: str
    fields: tuple[Field, ...]
    object_type: str = "standard"
    is_custom: bool = False


_TIMES = (
    Field("created", "Created", "datetime"),
    Field("updated", "Updated", "datetime"),
)
_OWNER = Field("owner", "Owner", "team_selector")

SECTORS = ("Culture", "Sport", "Social", "Commerce", "Artisanat", "Industrie", "Services", "Santé")
STAGES = ("À qualifier", "Dossier déposé", "En instruction", "Accordée", "Refusée")
EMAIL_STATUSES = ("Active", "Unsubscribed", "Bounced")
CHANNELS = ("Courrier", "Téléphone", "E-mail", "Réseaux sociaux")
ANSWERS = ("Yes", "No", "Maybe")
PHASES = ("Idée", "Étude", "Réalisation", "Bilan")
AUDIENCES = ("Enfants", "Jeunes", "Familles", "Aînés")

OBJECTS = (
    ObjectModel(
        COMPANY,
        "Companies",
        "Company",
        (
            Field("name", "Name", "text"),
            Field("email", "Email", "email"),
            Field("business_phone", "Business Phone", "phonenumber"),
            Field("mobile_phone", "Mobile Phone", "phonenumber"),
            Field("website", "Website", "text"),
            Field("street_address", "Street Address", "text"),
            Field("street_address_2", "Street Address 2", "text"),
            Field("city", "City", "text"),
            Field("postal_code", "Postal Code", "text"),
            Field("state", "State", "text"),
            Field("country", "Country", "text"),
            Field("tags", "Tags", "dynamictags"),
            Field("vat_number", "Numéro de TVA", "text", is_custom=True),
            Field("sector", "Secteur", "dropdown", is_custom=True, options=SECTORS),
            Field("employees", "Effectif", "integer", is_custom=True),
            _OWNER,
            *_TIMES,
        ),
    ),
    ObjectModel(
        CONTACT,
        "Contacts",
        "Contact",
        (
            Field("first_name", "First Name", "text"),
            Field("last_name", "Last Name", "text"),
            Field("email", "Email", "email"),
            Field("email_status", "Email Status", "selector", options=EMAIL_STATUSES),
            Field("business_phone", "Business Phone", "phonenumber"),
            Field("mobile_phone", "Mobile Phone", "phonenumber"),
            Field("home_phone", "Home Phone", "phonenumber"),
            Field("company_primary", "Primary Company", "relationship", relation=COMPANY),
            Field(
                "company_additional", "Other Companies", "relationship", relation=COMPANY, many=True
            ),
            Field("titles", "Titles", "dynamictags"),
            Field("tags", "Tags", "dynamictags"),
            Field("birthday", "Birthday", "date"),
            Field("timezone", "Timezone", "timezone"),
            *_TIMES,
        ),
    ),
    ObjectModel(
        DEAL,
        "Subventions",
        "Subvention",
        (
            Field("name", "Name", "text"),
            Field("stage", "Stage", "status", options=STAGES),
            Field("amount", "Montant", "money", is_custom=True),
            Field("rate", "Taux", "decimal", is_custom=True),
            Field("company", "Association", "relationship", relation=COMPANY),
            Field("contact", "Contact", "relationship", relation=CONTACT),
            Field("decision_on", "Décision le", "date", is_custom=True),
            Field("renewal", "Renouvellement", "yesnomaybe", is_custom=True, options=ANSWERS),
            Field("comment", "Commentaire", "longtext", is_custom=True),
            _OWNER,
            *_TIMES,
        ),
        object_type="pipeline",
        is_custom=True,
    ),
    ObjectModel(
        PROJECT,
        "Projets",
        "Projet",
        (
            Field("name", "Name", "text"),
            Field("public", "Ouvert au public", "checkbox", is_custom=True),
            Field("audiences", "Publics", "checkboxes", is_custom=True, options=AUDIENCES),
            Field("phase", "Phase", "choices", is_custom=True, options=PHASES),
            Field("channel", "Canal", "radio", is_custom=True, options=CHANNELS),
            Field("interest", "Intérêt", "rating", is_custom=True),
            Field("starts_at", "Début", "datetime", is_custom=True),
            Field("documents", "Pièces jointes", "files", is_custom=True),
            Field("summary", "Présentation", "wysiwyg", is_custom=True),
            Field(
                "participants",
                "Participants",
                "relationship",
                is_custom=True,
                relation=CONTACT,
                many=True,
            ),
            *_TIMES,
        ),
        is_custom=True,
    ),
)
"""Every object, in the order in which the API lists them."""

BY_NAME = {model.name: model for model in OBJECTS}


def object_id(seed: int, name: str) -> str:
    """Return the id of the object ``name``."""
    return uuid(seed, "object", name)


def field_id(seed: int, name: str, field: str) -> str:
    """Return the id of a field of the object ``name``."""
    return uuid(seed, "field", name, field)


def option(seed: int, name: str, field: Field, label: str) -> Record:
    """Return a choice of ``field``: id, code and name."""
    code = "_".join(slug_words(label))
    return {"id": uuid(seed, "option", name, field.name, label), "code": code, "name": label}


def described_object(seed: int, model: ObjectModel) -> Record:
    """Return what ``GET /custom-objects`` says about ``model``."""
    return {
        "id": object_id(seed, model.name),
        "name": model.name,
        "object_name": model.plural,
        "entity_name": model.singular,
        "object_type": model.object_type,
        "is_custom": model.is_custom,
        "description": "",
        "created": "2015-02-11T09:14:27.410022-06:00",
    }


def described_field(
    seed: int, model: ObjectModel, field: Field, related: ObjectModel | None
) -> Record:
    """Return what ``GET /custom-objects/{id}/fields`` says about ``field``.

    ``related`` is the object that the field leads to, if it leads anywhere.
    """
    relation: Record | None = None
    if related:
        relation = {
            "related_object": object_id(seed, related.name),
            "related_object_object_name": related.plural,
            "cardinality": "many_to_many" if field.many else "many_to_one",
        }
    return {
        "id": field_id(seed, model.name, field.name),
        "name": field.name,
        "display_name": field.display_name,
        "field_type": field.field_type,
        "category": uuid(seed, "category", model.name, field.is_custom),
        "is_required": field.name == "name",
        "is_read_only": field.name in {"created", "updated"},
        "is_hidden": field.is_hidden,
        "options": [option(seed, model.name, field, label) for label in field.options],
        "relation": relation,
    }
