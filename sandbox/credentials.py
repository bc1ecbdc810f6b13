"""Who may ask: invented credentials, the same in the documentation and in every run."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Credentials:
    """The credentials that the sandbox accepts; printing them shows none."""

    kananas_token: str = "sandbox-kananas-token"  # noqa: S105 - invented, and public
    kizen_api_key: str = "sandbox-kizen-api-key"
    kizen_user_id: str = "5f0e5b8a-4d35-4f0e-9c9e-2f7a5c1d0001"
    kizen_business_id: str = "5f0e5b8a-4d35-4f0e-9c9e-2f7a5c1d0002"

    def __repr__(self) -> str:
        """Return the name of the class only."""
        return "Credentials(…)"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Credentials:
        """Return the defaults, replaced by ``SANDBOX_KANANAS_TOKEN`` and so on where set."""
        values = os.environ if environment is None else environment
        given = {field.name: values.get(f"SANDBOX_{field.name.upper()}") for field in fields(cls)}
        return cls(**{name: value for name, value in given.items() if value})

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be logged."""
        return (self.kananas_token, self.kizen_api_key)
