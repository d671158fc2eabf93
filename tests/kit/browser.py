"""Headless Chromium, and a proxy through which it reaches a page behind a login."""

from __future__ import annotations

import shutil
import subprocess
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
PAGE_MILLISECONDS = 6000
PASSED_ON = ("Content-Type", "Cookie", "X-Requested-With")


def seen(url: str, folder: Path, *, width: int = 1900, height: int = 900) -> tuple[str, Path]:
    """Return the page after its scripts have run: its document, and a picture of it with this width and height in pixels."""
    picture = folder / "page.png"
    options = (f"--user-data-dir={folder / 'chromium'}", f"--virtual-time-budget={PAGE_MILLISECONDS}")
    output_options = ("--dump-dom", f"--screenshot={picture}", f"--window-size={width},{height}")
    command = [PROGRAM or "", *QUIET, *options, *output_options, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
    return done.stdout, picture


@contextmanager
def logged_in(url: str, login: str) -> Iterator[str]:
    """An address that passes every request on to `url` with the login (user:password), which headless Chromium cannot be asked for."""
    headers = {"Authorization": "Basic " + b64encode(login.encode()).decode()}

    class LoginProxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._pass_on()

        def do_POST(self) -> None:
            self._pass_on()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name upstream
            pass

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kept = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
            answer = requests.request(
                self.command, url + self.path, headers=kept | headers, data=body, allow_redirects=False, timeout=60
            )
            self.send_response(answer.status_code)
            for name in ("Content-Type", "Location"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

    with serving(LoginProxy) as address:
        yield address


@contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve with this handler on the loopback within the block, and yield the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
