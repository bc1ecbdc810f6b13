"""A YAML file that a person writes: its value, and the line on which each key stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path


class YamlError(Exception):
    """The file cannot be read; the message names it, and the line where there is one."""


@dataclass(frozen=True)
class YamlFile:
    """What a file says.

    Attributes:
        value: Its value; None where it says nothing.
    """

    value: Any
    _root: yaml.Node | None

    @classmethod
    def read(cls, path: Path) -> YamlFile | None:
        """Return what a file says; None where there is no file.

        Raises:
            YamlError: It cannot be read, or is no YAML.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            reason = f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is no UTF-8'}"
            raise YamlError(reason) from None
        try:
            file = cls(yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader))
        except RecursionError:
            reason = f"{path}: there are too many brackets in each other"
            raise YamlError(reason) from None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f", line {mark.line + 1}" if mark else ""
            reason = f"{path}{line}: {getattr(error, 'problem', None) or 'it is no YAML'}"
            raise YamlError(reason) from None
        if twice := file.twice():
            reason = f"{path}, line {twice[0]}: {twice[1]} is there twice"
            raise YamlError(reason)
        return file

    def twice(self) -> tuple[int, str] | None:
        """Return the first key that its map has already, with its line; None where there is none.

        YAML takes the last one, in silence.
        """
        left, seen = [self._root], set()
        while left:
            node = left.pop()
            if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
                continue
            seen.add(id(node))
            if isinstance(node, yaml.SequenceNode):
                left += reversed(node.value)
                continue
            names = set()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in names:
                        return key.start_mark.line + 1, key.value
                    names.add(key.value)
                left.append(value)
        return None

    def line(self, *names: str | int) -> int:
        """Return the line of a key, or of an entry of a list, counted from 1.

        Args:
            *names: The keys and the places in lists that lead there; what is not there counts as
                what is around it.
        """
        line, node = 1, self._root
        for name in names:
            if isinstance(node, yaml.MappingNode):
                pairs = [(key, value) for key, value in node.value if key.value == str(name)]
                if pairs:
                    key, node = pairs[-1]
                    line = key.start_mark.line + 1
            elif isinstance(node, yaml.SequenceNode) and isinstance(name, int):
                node = node.value[name]
                line = node.start_mark.line + 1
        return line
