"""Labels: a stable id, a name for people and a terminology code. Their order carries no meaning."""

from __future__ import annotations

from pydantic import Field

from medtransfer.result.model import Record


class LabelSpec(Record):
    """A label as a manifest or a model declares it.

    ``code`` is a SNOMED CT code that was looked up, or empty: a wrong code in a DICOM object is dangerous.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    name: str = Field(min_length=1, max_length=120)
    code: str = ""
    code_source: str = ""
