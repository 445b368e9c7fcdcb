"""What de-identification did to a file, told without what was there before."""

from __future__ import annotations

from collections import Counter

Changes = Counter[tuple[str, str]]
"""How often something was done: by what it was done to (an element's tag and name) and the action in words."""
