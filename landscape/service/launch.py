"""Starts the browser app from any directory, with the settings that keep it on this machine."""

import os
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from pathlib import Path

from landscape.core.errors import RequestError
from landscape.service.home import Home

ADDRESS = "127.0.0.1"
FIRST_PORT = 8501
_PORTS_TRIED = 50
_START_SECONDS = 60.0

# The same as in .streamlit/config.toml, which Streamlit finds beside app.py; flags cannot be overruled by a file in the
# user's own directory or by the environment.
SETTINGS: dict[str, str | tuple[str, ...]] = {
    "server.address": ADDRESS,
    "server.allowedHosts": ("localhost", "127.0.0.1"),
    "server.headless": "true",  # else Streamlit asks for an e-mail address on its first start
    "server.enableXsrfProtection": "true",
    "server.xsrfCookieSameSite": "strict",
    "server.enableStaticServing": "false",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "browser.serverAddress": "localhost",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",
    "client.toolbarMode": "viewer",
    "runner.magicEnabled": "false",
}


def launch(*, port: int | None = None, open_browser: bool = True, home: Home | None = None) -> int:
    """Run the app until it ends or is interrupted.

    Args:
        port: The port to listen on; None for 8501, or the next free one.
        open_browser: Whether to open the app in the user's browser once it answers.
        home: The working folder; None for the default one.

    Returns:
        The exit status of the server.

    Raises:
        RequestError: The port is not free, or the app is not beside the package.
        StoreError: The working folder cannot be used.
    """
    chosen = find_port(port)
    (home or Home.default()).ensure()  # before anything listens that could not work
    # What lies in the user's directory, e.g. a random.py, is not to be imported by the server.
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    if home is not None:
        environment["LANDSCAPE_HOME"] = str(home.path.absolute())
    server = subprocess.Popen(command(chosen), env=environment)
    # Whoever ends this process means the server.
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: server.terminate())
    try:
        if open_browser and _wait_until_it_listens(server, chosen):
            webbrowser.open(f"http://localhost:{chosen}")
        return server.wait()
    except KeyboardInterrupt:
        return server.wait()  # the terminal has sent the interrupt to the server, too
    finally:
        signal.signal(signal.SIGTERM, before)
        if server.poll() is None:
            server.terminate()


def command(port: int) -> list[str]:
    """The command line of the server.

    Raises:
        RequestError: The app is not beside the package.
    """
    app = Path(__file__).parents[2] / "app.py"
    if not app.is_file():
        raise RequestError(
            f"The app's file {app} is not there; start it from a copy of the whole repository, with `make app`."
        )
    # A list is given as one flag per member; Streamlit would take a comma for a part of the name.
    flags = [
        f"--{name}={value}"
        for name, values in SETTINGS.items()
        for value in ((values,) if isinstance(values, str) else values)
    ]
    return [sys.executable, "-m", "streamlit", "run", str(app), f"--server.port={port}", *flags]


def find_port(wanted: int | None) -> int:
    """The wanted port if it is free; without a wish the first free one from 8501 on.

    Raises:
        RequestError: It is not free, or none is.
    """
    if wanted is not None and not 1 <= wanted <= 65535:
        raise RequestError(f"The port is {wanted}; give a number from 1 to 65535, such as 8501.")
    for port in range(FIRST_PORT, FIRST_PORT + _PORTS_TRIED) if wanted is None else [wanted]:
        if _is_free(port):
            return port
    what = f"Port {wanted} is" if wanted is not None else f"The ports from {FIRST_PORT} on are"
    raise RequestError(f"{what} used by another program or may not be used; choose another one with --port.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the server itself does: a port on which a closed connection lingers is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return False
    return True


def _wait_until_it_listens(server: subprocess.Popen[bytes], port: int) -> bool:
    end = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex((ADDRESS, port)) == 0:
                return True
        time.sleep(0.1)
    return False
