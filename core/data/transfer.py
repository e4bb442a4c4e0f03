"""One file over HTTP: what is missing of it is appended to a partial file, and the whole is checked by its digest.

Only https, also after a redirect; plain http from this machine itself, for tests. The partial file survives every
interruption, and the next attempt asks for the rest only (HTTP Range, RFC 9110 section 14).
"""

from __future__ import annotations

import hashlib
import http.client
import itertools
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

TIMEOUT = 15  # seconds without a byte
PAUSE = 1.0  # seconds before a connection that broke off is taken up again
CHUNK = 1 << 18  # bytes


class Lost(Exception):
    """The server cannot be reached, refuses, or the connection broke off. What came so far is good."""


class Unexpected(Exception):
    """What came is not the file."""


def receive(urls: tuple[str, ...], part: Path, size: int, tick: Callable[[], None]) -> None:
    """Fill the file ``part`` up to ``size`` bytes, from any of ``urls``, going on where it ends.

    A connection that broke off is taken up again as long as each brings something. ``tick`` is called with every piece.

    Raises:
        Lost: no url gave anything more.
        Unexpected: a web page, or a file of another size.
        OSError: ``part`` cannot be written.
    """
    if size_of(part) > size:
        part.unlink()
    fruitless = 0  # attempts in a row
    for url in itertools.cycle(urls):
        before = size_of(part)
        if before == size:
            return
        try:
            _append(url, part, size, tick)
        except Lost:
            fruitless = 0 if size_of(part) > before else fruitless + 1
            if fruitless == len(urls):
                raise
            time.sleep(0 if fruitless else PAUSE)


def check(part: Path, digest: str) -> None:
    """Raise Unexpected unless the file has the ``digest``, written "sha256:<hex>" or "md5:<hex>"."""
    algorithm, expected = digest.split(":")
    found = hashlib.new(algorithm, usedforsecurity=False)
    with open(part, "rb") as stream:
        while chunk := stream.read(1 << 20):
            found.update(chunk)
    if found.hexdigest() != expected:
        raise Unexpected(f"{part.name} has the {algorithm} {found.hexdigest()}, not {expected}")


def size_of(path: Path) -> int:
    """Bytes of a file; 0 if there is none."""
    return path.stat().st_size if path.exists() else 0


def _append(url: str, part: Path, size: int, tick: Callable[[], None]) -> None:
    start = size_of(part)
    with _connect(url, start) as answer:
        if answer.status != 206:  # the server knows no Range: it sends all
            start = 0
        _check_announced(answer, start, size)
        with open(part, "ab") as out:
            out.truncate(start)
            for chunk in _chunks(answer, size - start):
                out.write(chunk)
                out.flush()
                tick()
    if size_of(part) < size:
        raise Lost(f"the connection to {_host(url)} broke off.")


def _connect(url: str, start: int) -> http.client.HTTPResponse:
    _check_address(url)
    headers = {"User-Agent": "deep-learning-demo-explorer", "Accept-Encoding": "identity"}
    wanted = {"Range": f"bytes={start}-"} if start else {}
    try:
        return _OPENER.open(urllib.request.Request(url, headers=headers | wanted), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        raise Lost(f"{_host(url)} answered {error.code} {error.reason}.") from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        why = getattr(reason, "strerror", None) or reason or type(reason).__name__
        raise Lost(f"{_host(url)} cannot be reached ({why}). Is this machine online?") from error


def _check_announced(answer: http.client.HTTPResponse, start: int, size: int) -> None:
    """Refuse a web page, another size or another piece before a byte of it is written."""
    length, piece = answer.headers.get("Content-Length"), answer.headers.get("Content-Range", "")
    if answer.headers.get_content_type() == "text/html":
        raise Unexpected("a web page came")
    if length and start + int(length) != size:
        raise Unexpected(f"{start} + {length} bytes were announced instead of {size}")
    if answer.status == 206 and not piece.startswith(f"bytes {start}-"):
        raise Unexpected(f"the piece {piece!r} came, asked was for what follows {start}")


def _chunks(answer: http.client.HTTPResponse, limit: int) -> Iterator[bytes]:
    """The body, piece by piece as it comes, at most ``limit`` bytes of it."""
    received = 0
    try:
        while chunk := answer.read1(CHUNK):
            received += len(chunk)
            if received > limit:
                raise Unexpected(f"more than {limit} bytes came")
            yield chunk
    except TimeoutError as error:
        raise Lost(f"the server was silent for {TIMEOUT} seconds.") from error
    except (OSError, http.client.HTTPException) as error:
        raise Lost(f"the connection broke off ({error}).") from error


def _check_address(url: str) -> None:
    scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
    if scheme != "https" and not (scheme == "http" and host in ("127.0.0.1", "::1", "localhost")):
        raise Unexpected(f"an address without https: {url}")


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req, fp, code, msg, headers, newurl):
        _check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(_SafeRedirects)
