"""What is private in the Singer SDK is overridden in one file, and only what is there."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

from singer_sdk import Stream, Tap
from singer_sdk.streams import RESTStream

import rest_tap
import tap_kananas
import tap_kizen
from rest_tap import sdk

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Set by the machinery of abstract classes.
MADE = {"_abc_impl"}


def classes() -> Iterator[type]:
    for package in (rest_tap, tap_kananas, tap_kizen):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                module = import_module(found.name)
                for name, value in vars(module).items():
                    if inspect.isclass(value) and value.__module__ == module.__name__:
                        assert name
                        yield value


def private_names(of: type) -> set[str]:
    return {name for name in vars(of) if name[0] == "_" and name[1] != "_"} - MADE


def overridden(of: type) -> set[str]:
    """The private names of a class that a class of the SDK has, too."""
    theirs = [base for base in of.__mro__ if base.__module__.startswith("singer_sdk")]
    return {name for name in private_names(of) if any(name in vars(base) for base in theirs)}


def test_no_private_method_is_overridden_elsewhere() -> None:
    found = {each.__qualname__: overridden(each) for each in classes()}
    assert len(found) > 60
    here = {name for name, value in vars(sdk).items() if inspect.isclass(value)}
    assert {name: names for name, names in found.items() if names and name not in here} == {}
    assert sum(map(len, found.values())) == 9


def test_the_sdk_has_every_method_that_is_overridden() -> None:
    for ours, theirs in (
        (sdk.OpenStream, Stream),
        (sdk.OpenRestStream, RESTStream),
        (sdk.OpenTap, Tap),
    ):
        for name in private_names(ours):
            parameters = inspect.signature(getattr(theirs, name)).parameters
            assert list(inspect.signature(vars(ours)[name]).parameters) == list(parameters), name
