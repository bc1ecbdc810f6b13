"""What goes wrong below HTTP, in one line with host and port and the setting to look at.

The libraries' own words are left out where they would quote an address with its query, or a proxy
with its password.
"""

from __future__ import annotations

import os
import socket
import ssl
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from requests.utils import get_environ_proxies, select_proxy
from singer_sdk.exceptions import FatalAPIError
from urllib3.exceptions import (
    HTTPError,
    LocationValueError,
    NameResolutionError,
    ProxyError,
    ProxySchemeUnknown,
    ReadTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_PORTS = {"http": 80, "https": 443}
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

#: How OpenSSL calls what is no TLS at all.
_NO_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"}
_PROXY_ERRORS = (requests.exceptions.ProxyError, ProxyError)
_NO_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    LocationValueError,
)

#: What is told of the first kind that is among the causes.
_FAILURES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (
        requests.exceptions.ContentDecodingError,
        "the answer of {place} is damaged, it cannot be unpacked: check the network",
    ),
    (
        requests.exceptions.ChunkedEncodingError,
        "the answer of {place} broke off: check the network",
    ),
    (
        requests.exceptions.ProxyError,
        "no connection to {place} through the proxy {proxy}: check the variable {variable}",
    ),
    (
        requests.ConnectTimeout,
        (
            "no connection to {place} in time: check the network and setting 'api_url', or raise "
            "'request_timeout'"
        ),
    ),
    (
        requests.Timeout,
        "no answer from {place} in time: check the network or raise 'request_timeout'",
    ),
    (
        ReadTimeoutError,
        (
            "the answer of {place} stopped before its end: check the network or raise "
            "'request_timeout'"
        ),
    ),
    (
        (NameResolutionError, socket.gaierror),
        (
            "no connection to {place}: no address is known for this name: check the network and "
            "setting 'api_url'"
        ),
    ),
    (
        (ConnectionResetError, BrokenPipeError),
        (
            "no connection to {place}: it was closed without an answer: check the network and "
            "setting 'api_url'"
        ),
    ),
    (
        HTTPException,
        "no connection to {place}: it does not speak HTTP: check setting 'api_url'",
    ),
    (
        requests.ConnectionError,
        "no connection to {place}: check the network and setting 'api_url'",
    ),
)
_OTHER_FAILURE = (
    "the request to {place} failed with {name}: check the network and setting 'api_url'"
)


class WrongAddressError(FatalAPIError):
    """No other try can help: a setting, or a variable of the environment, has to change."""


def place_of(url: str | None) -> str:
    """Return host and port of an address, without user and password."""
    try:
        parts = urlsplit(url or "")
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return "an address that is none"
    host = parts.hostname or "a host without a name"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}" if port else host


def explained(error: OSError | HTTPError, request: requests.PreparedRequest) -> Exception:
    """Return what to raise for a request that failed.

    Returns:
        The error itself, which names the request then, where another try may help; else an error
        whose text says what has to change.
    """
    words = _final_words(error, request.url or "")
    if words is not None:
        return WrongAddressError(words)
    if not isinstance(error, requests.RequestException):
        error = requests.ConnectionError(error)
    error.request = error.request or request
    return error


def describe_connection_failure(error: requests.RequestException) -> str:
    """Return a line about a failure below HTTP, with the setting to look at."""
    url = (error.request.url if error.request is not None else None) or ""
    words = _final_words(error, url)
    if words is not None:
        return words
    causes = list(_causes(error))
    found = (
        words for kinds, words in _FAILURES if any(isinstance(cause, kinds) for cause in causes)
    )
    words = next(found, _OTHER_FAILURE)
    place, proxy, variable = place_of(url), _proxy(url), _proxy_variable(url)
    if proxy is not None and "{proxy}" not in words:
        place = f"{place} through the proxy {place_of(proxy)} ({variable})"
    return words.format(
        place=place,
        proxy=place_of(proxy),
        variable=variable,
        name=type(error).__name__,
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it was made of."""
    waiting, met = [error], set()
    while waiting:
        cause = waiting.pop()
        if id(cause) in met:
            continue
        met.add(id(cause))
        yield cause
        parts = (*cause.args, getattr(cause, "reason", None), cause.__cause__)
        waiting += [part for part in parts if isinstance(part, BaseException)]


def _final_words(error: Exception, url: str) -> str | None:
    """Return a line where no other try can help; None where one may."""
    causes = list(_causes(error))
    words = _words_on_tls(error, causes, url) or _words_on_proxy(error, causes, url)
    if words is None and isinstance(error, _NO_ADDRESS):
        return "setting 'api_url' is not a valid address: it begins with https://"
    return words


def _words_on_tls(error: Exception, causes: list[BaseException], url: str) -> str | None:
    tls = [cause for cause in causes if isinstance(cause, ssl.SSLError)]
    # requests raises an OSError of its own where the file of certificates is not there.
    is_foreign = not isinstance(error, requests.RequestException | HTTPError)
    if (tls or is_foreign) and (variable := _unreadable_bundle()):
        return f"the certificates that {variable} names cannot be read: check that variable"
    place, checked, begins = place_of(url), "setting 'api_url'", "'api_url'"
    if any(isinstance(cause, _PROXY_ERRORS) for cause in causes):
        place = f"the proxy {place_of(_proxy(url))}"
        checked = begins = _proxy_variable(url)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in tls):
        return (
            f"the TLS certificate of {place} could not be verified: check {checked}, and "
            f"{_BUNDLES[0]} where an organisation has certificates of its own"
        )
    if any(cause.reason in _NO_TLS for cause in tls):
        return f"{place} does not speak TLS: check whether {begins} is to begin with http://"
    return None


def _words_on_proxy(error: Exception, causes: list[BaseException], url: str) -> str | None:
    place, variable = place_of(url), _proxy_variable(url)
    if isinstance(error, requests.exceptions.InvalidSchema) and "SOCKS" in str(error):
        return (
            f"no connection to {place}: the proxy of {variable} needs a package that is not "
            "installed: pip install 'requests[socks]', or change the variable"
        )
    is_odd = any(isinstance(cause, ProxySchemeUnknown) for cause in causes)
    is_odd = is_odd or isinstance(error, requests.exceptions.InvalidProxyURL)
    if is_odd or (isinstance(error, _NO_ADDRESS) and not _is_address(_proxy(url))):
        return f"no connection to {place}: {variable} does not hold the address of a proxy"
    return None


def _is_address(proxy: str | None) -> bool:
    """Return whether a proxy has a host and, where it has one, a port; None is no proxy."""
    if proxy is None:
        return True
    try:
        parts = urlsplit(proxy)
        return bool(parts.hostname and parts.hostname.strip()) and parts.port != 0
    except ValueError:
        return False


def _unreadable_bundle() -> str | None:
    """Return the variable that names certificates, if they cannot be read."""
    variable = next((name for name in _BUNDLES if os.environ.get(name)), None)
    if variable is None:
        return None
    path = Path(os.environ[variable])
    if path.is_dir():
        return None
    try:
        ssl.create_default_context().load_verify_locations(path)
    except OSError:
        return variable
    return None


def ca_bundle() -> str | bool:
    """Return the file or folder of certificates that the environment names; True for the usual."""
    return next((os.environ[name] for name in _BUNDLES if os.environ.get(name)), True)


def _proxy(url: str) -> str | None:
    """Return the address of the proxy on the way to another address; None where there is none."""
    try:
        proxy = select_proxy(url, get_environ_proxies(url, no_proxy=None))
    except ValueError:
        return None
    # A proxy without a scheme is one of http, as requests has it.
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _proxy_variable(url: str) -> str:
    """Return the variable that names the proxy for an address."""
    names = (f"{urlsplit(url).scheme}_proxy", "all_proxy")
    variables = [each for name in names for each in (name, name.upper())]
    return next((each for each in variables if os.environ.get(each)), "HTTPS_PROXY")
