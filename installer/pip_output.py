"""What pip's output means: how far it is, and, when it fails, what is wrong and what to do."""

from __future__ import annotations

import re

from installer.errors import SetupError

_AGAIN = "Then run the same command again: it goes on where it stopped."

# In order: the first pattern found in pip's output wins, so the more particular one stands first.
_KNOWN: tuple[tuple[str, str, str], ...] = (
    (
        r"No space left on device|Errno 28|not enough space on the disk",
        "The disk is full.",
        "Free some space on the disk of this checkout and on that of your home folder, where pip keeps its downloads "
        f"(`pip cache purge` deletes them). {_AGAIN}",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|SSLError|certificate verify failed",
        "The download was refused: this machine does not trust the certificate that it was shown.",
        "Many hospitals open encrypted traffic with a certificate of their own. Ask your IT department for it as a "
        f"file and set PIP_CERT to that file, or set PIP_INDEX_URL to a package index inside your network. {_AGAIN}",
    ),
    (
        r"Cannot connect to proxy|ProxyError|Tunnel connection failed|407 Proxy Authentication",
        "The download was refused by the proxy of this network.",
        "Set HTTPS_PROXY to your proxy, with a user name and password if it asks for them: "
        f"http://user:password@proxy.example:8080 . {_AGAIN}",
    ),
    (
        r"40[13] (?:Client Error|Forbidden|Unauthorized)|HTTP error 40[13]",
        "The download was refused: the package index does not let this machine in.",
        f"Check the address and the password in PIP_INDEX_URL and in pip's configuration (`pip config list`). {_AGAIN}",
    ),
    (
        r"THESE PACKAGES DO NOT MATCH THE HASHES",
        "A download arrived damaged or altered, so it was thrown away.",
        f"Run `pip cache purge`. If it happens twice, a proxy changes the files: ask your IT department. {_AGAIN}",
    ),
    (
        r"NameResolutionError|Temporary failure in name resolution|getaddrinfo failed|nodename nor servname|"
        r"Network is unreachable|Connection refused|NewConnectionError|ConnectTimeout",
        "The package index cannot be reached.",
        "Check the network. Behind a proxy, set HTTPS_PROXY; where only an internal package index is allowed, set "
        f"PIP_INDEX_URL to it. {_AGAIN}",
    ),
    (
        r"Read timed out|ReadTimeoutError|IncompleteRead|Connection broken|Connection reset|RemoteDisconnected",
        "The connection broke during a download.",
        f"On a slow line, set PIP_DEFAULT_TIMEOUT=120. {_AGAIN} What was downloaded is kept.",
    ),
    (
        r"No matching distribution found for (?P<what>\S+)",
        "The package index has no {what} that fits this Python and this machine, or it cannot be read.",
        "The versions are in installer/constraints.txt. Use a 64-bit Python that they support (3.11 is tested); an "
        f"internal index named by PIP_INDEX_URL must offer them. {_AGAIN}",
    ),
    (
        r"Permission denied|Errno 13|Access is denied|WinError 5\b",
        "The environment folder .venv cannot be written.",
        f"Use a checkout that belongs to you, and close programs that are running from its .venv. {_AGAIN}",
    ),
    (
        r"WinError 206|filename or extension is too long",
        "The path of this checkout is too long for Windows.",
        f"Move the checkout to a short path such as C:\\medtransfer, or enable long paths in Windows. {_AGAIN}",
    ),
)


_DOWNLOAD = re.compile(r"\s*Downloading (?:\S*/)?(?P<name>[\w.]+)-(?P<version>\d[^-\s]*)\S* \((?P<size>[\d.]+ [MG]B)\)")


def digest(line: str) -> str:
    """Return the news in a line of pip's output, shortened; empty if it is not worth showing."""
    download = _DOWNLOAD.match(line)
    if download:
        return "Downloading {name} {version}, {size}".format(**download.groupdict())
    if line.startswith("Installing collected packages:"):
        return f"Unpacking {line.count(',') + 1} packages"
    return "The connection broke: trying again" if "WARNING: Retrying" in line else ""


def explain(output: str) -> SetupError:
    """Return what pip's output means for the person in front of it."""
    # Only the last retry can have been in vain: the earlier ones say nothing about why pip gave up.
    decisive = "".join(line for line in output.splitlines(keepends=True) if not re.search(r"Retry\(total=[1-9]", line))
    for pattern, message, hint in _KNOWN:
        found = re.search(pattern, decisive)
        if found:
            return SetupError(message.format(**found.groupdict()), hint)
    complaints = [line.strip() for line in output.splitlines() if line.strip().upper().startswith("ERROR")]
    last = complaints[-1] if complaints else "pip gave no reason."
    return SetupError(
        f"pip could not install what medtransfer needs. {last}", f"The whole output is in .venv/setup.log. {_AGAIN}"
    )
