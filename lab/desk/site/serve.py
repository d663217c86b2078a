"""Serve the help desk on a free port of 127.0.0.1, write the port to a file, end by itself after a while."""

import os
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

import django

django.setup()

from django.contrib.staticfiles.handlers import StaticFilesHandler  # noqa: E402
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402

PLACE = Path(os.environ["IWXDESK_PLACE"])


def main() -> None:
    server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler, ipv6=False)
    server.set_app(StaticFilesHandler(get_wsgi_application()))

    def end(*_: object) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, end)
    timer = threading.Timer(float(os.environ["IWXDESK_LIFE_S"]), end)
    timer.daemon = True
    timer.start()
    fresh = PLACE / "port.new"
    fresh.write_text(str(server.server_port))
    fresh.rename(PLACE / "port")
    server.serve_forever(poll_interval=0.05)


main()
