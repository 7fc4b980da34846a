"""Web server settings; numbers come from the environment."""

import gc
import os
import shutil
import socket
import sys
import time

from prometheus_client import multiprocess

_host = os.environ.get("HOST") or "127.0.0.1"
_port = int(os.environ.get("PORT") or 8000)
_development = os.environ.get("ENVIRONMENT") == "development"

bind = f"[{_host}]:{_port}" if ":" in _host else f"{_host}:{_port}"
# Each process listens by itself and the kernel spreads the connections. On one shared socket
# whoever wakes first takes all kept-alive connections of a proxy, and the other processes idle.
reuse_port = sys.platform == "linux" and not _development
worker_class = "svoykrug.web_worker.Worker"
workers = int(os.environ.get("WEB_WORKERS") or 2)
threads = int(os.environ.get("WEB_THREADS") or 4)

# The embedded analytics engine must never be open before a fork: a child that inherits it hangs.
preload_app = False
reload = _development
timeout = 60
# The supervisor waits ten seconds before it kills, an orchestrator usually thirty.
graceful_timeout = 8 if _development else 25
keepalive = 5

# The heartbeat file of a worker must not wait for a disk.
worker_tmp_dir = "/dev/shm" if sys.platform == "linux" and os.access("/dev/shm", os.W_OK) else None  # noqa: S108
# It would create a folder in the home directory.
control_socket_disable = True

# Counters of all processes lie in one folder, empty at every start: the numbers are of this run.
_figures = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")


def on_starting(server):
    if reuse_port:
        _refuse_a_taken_port()
        server.log.info("Each process listens at %s", bind)  # the server itself names nothing
    if _figures:
        shutil.rmtree(_figures, ignore_errors=True)
        os.makedirs(_figures)


def _refuse_a_taken_port():
    """A second server would silently get every other connection of the first one."""
    family = socket.AF_INET6 if ":" in _host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for left in range(5, -1, -1):  # seconds that one before us may take to go
            try:
                probe.bind((_host, _port))
                return
            except OSError as wrong:
                if not left:
                    sys.exit(f"Cannot listen at {bind}: {wrong.strerror}")
                time.sleep(1)


def post_worker_init(worker):
    # What the application consists of stays: the collector need not walk through it in a request.
    gc.collect()
    gc.freeze()


def child_exit(server, worker):
    if _figures:
        multiprocess.mark_process_dead(worker.pid)


# The application writes one line a request itself, with personal data masked.
accesslog = None
errorlog = "-"
