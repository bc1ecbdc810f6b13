"""What the links must reach, and what they do reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evaluation import baselines
from evaluation.inputs import InputError
from evaluation.scores import AUTO, LINKED, linked, score

if TYPE_CHECKING:
    import duckdb


class Result(NamedTuple):
    """How good the links of a built DuckDB file are; shares from 0 to 1.

    The first three count a proposal (`review`) as a link, as does `blocking_recall` any candidate.
    """

    F1: float
    precision: float
    recall: float
    auto_precision: float
    auto_recall: float
    blocking_recall: float

    @classmethod
    def measured(cls, connection: duckdb.DuckDBPyConnection) -> Result:
        """Score the links against the table `truth`."""
        every = score(connection, linked(LINKED))
        auto = score(connection, linked(AUTO))
        candidates = score(connection, baselines.CANDIDATES)
        return cls(
            every.f1, every.precision, every.recall, auto.precision, auto.recall, candidates.recall
        )

    def __str__(self) -> str:
        """Return the line that ends an evaluation."""
        return " ".join(f"{name}={value:.4f}" for name, value in self._asdict().items())


class Floor(NamedTuple):
    """The least that passes, by the names of `Result`."""

    F1: float = 0.98
    precision: float = 0.0
    recall: float = 0.0
    auto_precision: float = 0.994
    auto_recall: float = 0.88
    blocking_recall: float = 0.985

    @classmethod
    def none(cls) -> Floor:
        """Return the floor that anything passes."""
        return cls(*(0.0 for _ in cls._fields))

    @classmethod
    def parsed(cls, text: str, otherwise: Floor | None = None) -> Floor:
        """Read 'F1=0.98 recall=0.9'; what it leaves out is otherwise, or by default, the floor.

        Raises:
            InputError: a name is unknown, or a value is no share.
        """
        given: dict[str, float] = {}
        for part in text.replace(",", " ").split():
            name, _, value = part.partition("=")
            try:
                given[name] = float(value)
            except ValueError:
                given[name] = -1.0
            if name not in cls._fields or not 0 <= given[name] <= 1:
                msg = f"FLOOR={text}: {part} is not NAME=SHARE; names are {', '.join(cls._fields)}"
                raise InputError(msg)
        return (otherwise or cls())._replace(**given)

    def below(self, result: Result) -> list[str]:
        """Return a line for each value that is below its floor."""
        return [
            f"{name} {value:.4f}, the floor is {least:g}"
            for (name, value), least in zip(result._asdict().items(), self, strict=True)
            if value < least
        ]
