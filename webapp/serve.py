"""Serving Hagaki: gunicorn inside this process by default, granian where a host wants more from discovery.

Nothing here knows routes or rules; it makes what a first start needs, binds, and says where to go.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gunicorn import util
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from profiles.problems import Code, Problem, ProblemError
from webapp import access_log
from webapp.kept_worker import KeptWorker

if TYPE_CHECKING:
    from collections.abc import Callable

    from webapp.config import Config

MOST_WORKERS = 4
THREADS = 16
# Shorter than the idle time of the proxies in front (Caddy 2 minutes, nginx 75 s) would reset their requests.
KEEPALIVE_SECONDS = 125
GRACEFUL_SECONDS = 30
STDOUT = 1
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 gunicorn's heartbeat file must not wait for a disk


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """How many processes and threads answer."""

    workers: int
    threads: int | None = None
    """The server's own best number when None."""
    access_log: bool = True
    batches: bool = False
    """Whether one worker for batches runs beside the server."""


def default_workers() -> int:
    """One process per processor that we may use; each costs some 70 MB."""
    return min(MOST_WORKERS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)


def split_bind(bind: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`; an IPv6 host stands in brackets."""
    host, _, port = bind.rpartition(":")
    return host.strip("[]"), int(port)


def with_free_port(bind: str) -> str:
    """Return `HOST:0` with a port that is free right now, anything else as it is."""
    host, _, port = bind.rpartition(":")
    if port != "0":
        return bind
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.bind((host.strip("[]"), 0))
        return f"{host}:{trial.getsockname()[1]}"
    return bind


def require_free(bind: str) -> None:
    """Find out before anything starts whether the address can be had."""
    host, port = split_bind(bind)
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ProblemError(
            Problem(Code.BIND_FAILED, {"bind": bind, "reason": reason}, place="HAGAKI_BIND")
        ) from error


def is_loopback(url: str) -> bool:
    """Whether only this machine can open `url`."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


class RequestLog(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's log without what links and discovery requests carry in their paths and queries."""

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """Log one answered request."""
        del req
        if not self.access_log_enabled:
            return
        entry = access_log.line(
            method=environ.get("REQUEST_METHOD", ""),
            path=environ.get("PATH_INFO", ""),
            status=str(resp.status).split(" ", 1)[0],
            size=str(getattr(resp, "sent", 0) or 0),
            milliseconds=round(request_time / timedelta(milliseconds=1)),
            client=environ.get("REMOTE_ADDR", ""),
        )
        moment = datetime.now().astimezone().isoformat(timespec="milliseconds")
        access_log.write(f"{moment} {entry}\n".encode(), STDOUT)

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log a warning; gunicorn quotes a malformed request in it, which may hold anything."""
        if msg.startswith("Invalid request from"):
            msg, args = "event=invalid_request", ()
        self.error_log.warning(msg, *args, **kwargs)

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Log a bug of ours without the request's path, and without what it says: a stream holds passwords."""
        error = sys.exception()
        if error is None or not str(msg).startswith("Error handling request"):
            self.error_log.exception(msg, *args, **kwargs)
            return
        self.error_log.error("event=unhandled_error type=%s at=%s", type(error).__name__, access_log.where(error))


def refuse_unreadable(sock: socket.socket, status: int, reason: str, message: str) -> None:
    """Answer what is no request: a path that is too long, headers that nobody can read.

    gunicorn's own answer is a page without our headers that quotes what was sent, which may be a token.
    """
    from webapp.security import HEADERS

    del message
    told = {"code": f"HTTP {status}", "summary": reason, "advice": "Send a shorter or a complete request."}
    body = json.dumps(told).encode() + b"\n"
    headers = {
        "Connection": "close",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        **HEADERS,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    util.write_nonblock(sock, f"HTTP/1.1 {status} {reason}\r\n{head}\r\n".encode("latin-1") + body)


class KeepingArbiter(Arbiter):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's main process, which also looks after the worker for batches: once a second, without a thread.

    A thread in the process that forks could hold a lock at that moment, for ever in the child.
    """

    kept: KeptWorker

    def manage_workers(self) -> None:
        """Keep as many processes as are wanted."""
        super().manage_workers()
        self.kept.look()

    def stop(self, graceful: bool = True) -> None:
        """End all processes."""
        self.kept.ask_to_end()
        super().stop(graceful)


class Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn as a library: no configuration file, no command line, no control socket."""

    def __init__(
        self, config: Config, options: ServeOptions, ready: Callable[[], None], kept: KeptWorker | None
    ) -> None:
        self.config = config
        self.options = options
        self.ready = ready
        self.kept = kept
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults. reuse_port stays off: it resets requests at reloads."""
        for name, value in {
            "bind": self.config.bind,
            "workers": self.options.workers,
            "threads": self.options.threads or THREADS,
            "worker_class": "gthread",
            "keepalive": KEEPALIVE_SECONDS,
            "graceful_timeout": GRACEFUL_SECONDS,
            "worker_tmp_dir": str(SHARED_MEMORY) if os.access(SHARED_MEMORY, os.W_OK) else None,
            "logger_class": RequestLog,
            "loglevel": "warning",
            "accesslog": "-" if self.options.access_log else None,
            "control_socket_disable": True,
            "proc_name": "hagaki",
            # X-Forwarded-* is believed from TRUSTED_PROXIES only, and the application does that itself.
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "when_ready": self._when_ready,
            "post_fork": self._post_fork,
        }.items():
            self.cfg.set(name, value)

    def _when_ready(self, server: object) -> None:
        del server
        self.ready()

    def _post_fork(self, server: object, worker: object) -> None:
        del server, worker
        if self.kept is not None:
            self.kept.forget()

    def run(self) -> None:
        """Serve until told to end."""
        if self.kept is None:
            super().run()
            return
        arbiter = KeepingArbiter(self)
        arbiter.kept = self.kept
        try:
            arbiter.run()
        finally:
            self.kept.end()

    def load(self) -> Any:
        """Build the application, in each worker: nothing that was opened before a fork is shared."""
        from webapp.wsgi import make_application

        return make_application(self.config)


def serve_gunicorn(config: Config, options: ServeOptions, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM (requests in hand are finished) or SIGINT."""
    # Loaded once here, so that all workers share the memory and a reload is quick.
    import webapp.services
    import webapp.setup
    import webapp.wsgi  # noqa: F401

    # The workers have no place for an answer of one's own.
    util.write_error = refuse_unreadable
    Gunicorn(config, options, ready, KeptWorker(config) if options.batches else None).run()


def serve_granian(config: Config, options: ServeOptions, ready: Callable[[], None]) -> None:
    """Serve with granian, whose workers read the same environment again."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    host, port = split_bind(config.bind)
    os.environ["HAGAKI_BIND"] = config.bind
    server = Granian(
        "webapp.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=options.workers,
        blocking_threads=options.threads,
        websockets=False,
        # granian's access log shows whole paths, and those of links are secret.
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACEFUL_SECONDS,
        log_level=LogLevels.error,
    )
    server.on_startup(lambda: Thread(target=_tell_when_answering, args=(host, port, ready), daemon=True).start())
    if not options.batches:
        server.serve()
        return
    # granian starts its processes afresh instead of forking: a thread harms nothing.
    with KeptWorker(config).watched():
        server.serve()


def _tell_when_answering(host: str, port: int, ready: Callable[[], None]) -> None:
    """Call `ready` once somebody accepts: granian's workers listen some time after its start-up hook."""
    pause = Event()
    for _ in range(600):
        try:
            with socket.create_connection((host, port), timeout=1):
                return ready()
        except OSError:
            pause.wait(0.05)
    return None
