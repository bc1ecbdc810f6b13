"""HTML pages, as both services answer them where an API client expects JSON."""

from __future__ import annotations

from starlette.responses import HTMLResponse

_LOGIN = """<!DOCTYPE html>
<html lang="fr"><head><meta charset="utf-8"><title>Connexion</title></head>
<body><form method="post" action="/login.php">
<label>Identifiant <input name="login"></label>
<label>Mot de passe <input name="password" type="password"></label>
<button>Se connecter</button></form></body></html>
"""

_NOT_FOUND = """<!doctype html>
<html lang="en"><head><title>Not Found</title></head>
<body><h1>Not Found</h1><p>The requested resource was not found on this server.</p></body></html>
"""


def login() -> HTMLResponse:
    """Return the back office's login page, with status 200."""
    return HTMLResponse(_LOGIN)


def not_found() -> HTMLResponse:
    """Return a page that says that there is nothing at this path."""
    return HTMLResponse(_NOT_FOUND, status_code=404)
