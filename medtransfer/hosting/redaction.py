"""Take out of a text what must not reach a log or a message: paths, names of image files, control characters.

File names often carry a patient's name, so they go as a whole. Names of Python files stay: a traceback needs them.
"""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_START = r"(?:[A-Za-z]:[\\/]|\\\\|(?<![\w.>)\]])(?:~|\.{1,2})?/)"
_QUOTED = re.compile(rf"""(["']){_START}[^"'\n]*\1""")
_PATH = re.compile(rf"""{_START}[^\s"'<>|,;:()\[\]]+""")
_DATA_FILE = re.compile(
    r"""[^\s"'<>|,;:()\[\]]+\.(?:dcm|dicom|ima|nii|gz|png|jpe?g|tiff?|bmp|gif|npy|csv|xlsx?|parquet|json|zip)\b""",
    re.IGNORECASE,
)
_CODE = re.compile(r"[\w-]+\.pyx?")


def without_paths(text: str) -> str:
    """Return the text with every path and data file's name replaced by ``[path]`` or ``[file]``.

    >>> without_paths("cannot read /data/Doe_Jane.dcm")
    'cannot read [path]'
    """
    text = _CONTROL.sub(" ", text)
    text = _QUOTED.sub(_replacement, text)
    text = _PATH.sub(_replacement, text)
    return _DATA_FILE.sub("[file]", text)


def _replacement(match: re.Match[str]) -> str:
    name = re.split(r"[\\/]", match.group().strip("\"'"))[-1]
    return name if _CODE.fullmatch(name) else "[path]"
