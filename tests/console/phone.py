"""What a thumb can reach of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

LEAST = 44
"""Pixels that a target has in either direction (WCAG 2.5.5)."""

# A radio button is touched by its label. What only screen readers see is no target.
_SMALL = """least => [...document.querySelectorAll(
    "a, button, input:not([type=hidden]), select, summary")]
    .filter(each => each.checkVisibility({checkVisibilityCSS: true}))
    .filter(each => !each.closest(".hidden, .skip, [aria-hidden=true]"))
    .map(each => each.type === "radio" ? each.closest("label") : each)
    .filter(each => { const box = each.getBoundingClientRect();
        return box.width < least || box.height < least; })
    .map(each => each.outerHTML.slice(0, 200))"""


def faults(page: Page) -> list[str]:
    """Return the targets of a page that are too small, and whether it is wider than the phone."""
    found: list[str] = page.evaluate(_SMALL, LEAST)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("the page is wider than the phone")
    return found
