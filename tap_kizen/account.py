"""What is known of an account and of the service while a tap runs, and passed to its streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from tap_kizen.bookmarks import Period
    from tap_kizen.rows.columns import FieldColumns


@dataclass(frozen=True)
class Entity:
    """An object of the account: its id, its API name, its kind, and its fields' columns.

    `name` is the id where the service gives no API name: either stands for it in an address.
    """

    id: str
    name: str
    is_pipeline: bool
    columns: list[FieldColumns]


@dataclass(frozen=True)
class Account:
    """What was found out about an account.

    Attributes:
        has_companies: Whether `GET /company` answers.
        has_objects: Whether `GET /custom-objects` answers.
        objects: All objects that the API user sees, in the order of their ids.
    """

    has_companies: bool
    has_objects: bool
    objects: list[Entity]


@dataclass
class Service:
    """What the service was found to do, once for all objects.

    Attributes:
        is_filter_refused: Whether it refuses the filter on `updated`.
        is_order_ignored: Whether it does not order by `updated`.
        is_order_proven: Whether it was proven to order by `updated`.
        time: Its clock at its last answer that told it.
    """

    is_filter_refused: bool = False
    is_order_ignored: bool = False
    is_order_proven: bool = False
    time: datetime | None = None


class AccountTap(Protocol):
    """What a stream needs of its tap, besides what the SDK gives."""

    service: Service

    @property
    def account(self) -> Account:
        """What the account has."""

    @property
    def period(self) -> Period:
        """The time asked for."""
