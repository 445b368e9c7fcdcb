from __future__ import annotations

import pytest

from installer.environment import explain_venv
from installer.pip_output import digest, explain

REFUSED_CERTIFICATE = """\
WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by
'SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed
certificate in certificate chain (_ssl.c:1006)'))': /simple/numpy/
ERROR: Could not find a version that satisfies the requirement numpy==2.4.6 (from versions: none)
ERROR: No matching distribution found for numpy==2.4.6
"""
NO_NETWORK = """\
WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by
'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f>: Failed to establish a new
connection: [Errno -3] Temporary failure in name resolution')': /simple/numpy/
ERROR: No matching distribution found for numpy==2.4.6
"""
PROXY = """\
WARNING: Retrying (...) after connection broken by 'ProxyError('Cannot connect to proxy.', OSError('Tunnel connection
failed: 407 Proxy Authentication Required'))': /simple/numpy/
ERROR: No matching distribution found for numpy==2.4.6
"""


@pytest.mark.parametrize(
    ("output", "message", "hint"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "disk is full",
            "Free",
        ),
        (REFUSED_CERTIFICATE, "refused", "PIP_CERT"),
        (NO_NETWORK, "cannot be reached", "PIP_INDEX_URL"),
        (PROXY, "refused by the proxy", "HTTPS_PROXY"),
        (
            "ERROR: HTTP error 403 while getting https://index.example/x.whl",
            "does not let this machine in",
            "PIP_INDEX_URL",
        ),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
            "damaged or altered",
            "cache purge",
        ),
        ("pip._vendor.urllib3.exceptions.ReadTimeoutError: Read timed out.", "broke", "PIP_DEFAULT_TIMEOUT"),
        ("ERROR: No matching distribution found for torch==2.14.1", "torch==2.14.1", "64-bit"),
        ("ERROR: ... [Errno 13] Permission denied: 'x'", "cannot be written", "belongs to you"),
    ],
)
def test_what_pip_says_becomes_what_to_do(output: str, message: str, hint: str) -> None:
    error = explain(output)
    assert message in error.message
    assert hint in error.hint
    assert "run the same command again" in error.hint


def test_an_unknown_failure_keeps_the_last_complaint() -> None:
    error = explain("Collecting x\nERROR: first\nERROR: the reason {with braces}\nnote: more\n")
    assert error.message.endswith("ERROR: the reason {with braces}")
    assert "setup.log" in error.hint


def test_a_retry_that_helped_is_not_blamed() -> None:
    helped = (
        "WARNING: Retrying (Retry(total=4, connect=None)) after connection broken by 'NewConnectionError(...)': /x\n"
    )
    assert "fits this Python" in explain(helped + "ERROR: No matching distribution found for torch==2.14.1").message


@pytest.mark.parametrize(
    ("line", "news"),
    [
        (
            "  Downloading torch-2.14.1-cp311-cp311-manylinux_2_28_x86_64.whl (554.6 MB)\n",
            "Downloading torch 2.14.1, 554.6 MB",
        ),
        (
            "Downloading https://index.example/p/numpy-2.4.6-cp311-any.whl (16.9 MB)\n",
            "Downloading numpy 2.4.6, 16.9 MB",
        ),
        ("  Downloading idna-3.20-py3-none-any.whl (69 kB)\n", ""),
        ("Installing collected packages: a, b, c\n", "Unpacking 3 packages"),
        ("Collecting torch\n", ""),
        ("  WARNING: Retrying (Retry(total=4)) after connection broken by ...\n", "The connection broke: trying again"),
    ],
)
def test_only_news_is_shown(line: str, news: str) -> None:
    assert digest(line) == news


def test_debian_without_venv_is_told_the_line_to_type() -> None:
    output = "The virtual environment was not created successfully because ensurepip is not\navailable.  On Debian ..."
    assert "apt-get install python3.12-venv" in explain_venv(output, "3.12").hint


def test_a_full_disk_while_making_the_environment() -> None:
    assert "disk is full" in explain_venv("Error: [Errno 28] No space left on device: '.venv/bin'", "3.12").message


def test_any_other_failure_while_making_the_environment() -> None:
    error = explain_venv("Error: something odd\n", "3.12")
    assert "something odd" in error.message
    assert ".venv" in error.hint
