"""`python streamlit_app.py`: the command line, the socket and the server."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import socket
import sys

import streamlit as st
import uvicorn
from streamlit import config, net_util
from streamlit.web import bootstrap

from pages._shared.server.serving import ROOT

NAME = "Deep Learning Demo Explorer"
PORTS_TRIED = 20  # counting up from the wanted one
GOODBYE_SECONDS = 3  # open pages get this long to finish when the server is stopped
LOOPBACK = ("localhost", "127.0.0.1", "::1")
PATHS = ("EXPLORER_DATA", "EXPLORER_RUNS")


def main(app: st.App, arguments: list[str] | None = None) -> None:
    """Serve the app until it is interrupted; `arguments` as on the command line."""
    options = parse(arguments)
    sock = bind(options.host, options.port)
    configure(options.host, sock.getsockname()[1])
    print(f"{NAME}: starting", flush=True)
    server = Server(
        uvicorn.Config(
            app,
            access_log=False,
            log_level="warning",
            server_header=False,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=GOODBYE_SECONDS,
        )
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[sock])
    if not server.started:
        sys.exit(1)


class Server(uvicorn.Server):
    """Prints the address once somebody who opens it is answered at once."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"{NAME}: {address(sockets[0])}", flush=True)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line into ``host`` and ``port``."""
    parser = argparse.ArgumentParser(description=f"Serve the {NAME}.")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    where.add_argument("--public", dest="host", action="store_const", const="0.0.0.0", help="listen on every address")
    parser.add_argument("--port", type=int, default=8501, help="default 8501; if it is taken, the next free one")
    return parser.parse_args(arguments)


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket at `port` or, if that is taken, at one of the next `PORTS_TRIED`.

    The protocol is named and not left at 0, since asyncio sets TCP_NODELAY only then: without it a small message waits
    40 ms for the one before it to be acknowledged.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last = min(port + PORTS_TRIED, 65535)
    for candidate in range(port, last + 1):
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, candidate))
            sock.listen(512)
            return sock
        except OSError as error:
            sock.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                sys.exit(f"Cannot listen on {host}: {error.strerror}.")
    sys.exit(f"No free port from {port} on; choose another with --port.")


def configure(host: str, port: int) -> None:
    """Make Streamlit read the project's config.toml, from whatever folder the app was started in.

    Where only this machine is served, web sockets under other host names are refused (DNS rebinding), unless
    config.toml allows them: a proxy in front of the app needs that.
    """
    for name in PATHS:
        if os.environ.get(name):
            os.environ[name] = os.path.abspath(os.environ[name])
    os.chdir(ROOT)
    bootstrap.load_config_options({"server.address": host, "server.port": port})
    if host in LOOPBACK and not config.is_manually_set("server.allowedHosts"):
        config.set_option("server.allowedHosts", list(LOOPBACK))


def address(sock: socket.socket) -> str:
    """Return the address to type into a browser; for a public server the one that others in the room can reach."""
    host, port = sock.getsockname()[:2]
    if host == "0.0.0.0":
        host = net_util.get_internal_ip()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
