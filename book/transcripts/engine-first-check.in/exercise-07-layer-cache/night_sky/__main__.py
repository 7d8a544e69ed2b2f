"""Starts the service: python -m night_sky"""

import os
import signal
import sys

from waitress import serve

from .app import app


def stop(*_):
    sys.exit(0)


# The first process of a container is not stopped by a signal that it ignores.
signal.signal(signal.SIGTERM, stop)
port = int(os.environ.get("PORT", "8000"))
print(f"the Comet Club looks up on port {port}", flush=True)
serve(app, host="0.0.0.0", port=port, _quiet=True)
