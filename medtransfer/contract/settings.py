"""Settings that a person chooses as a whole: a preset in plain language, or a TOML file, and single changes to it."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import ValidationError

from medtransfer.errors import DataError, UserError
from medtransfer.result.model import Record

PRESETS = ("quick", "standard", "thorough")


class Settings(Record):
    """What recipes have in common. ``presets`` is the folder of their presets beside this module."""

    presets: ClassVar[str]

    @classmethod
    def preset(cls, name: str) -> Self:
        """Return one of the presets ``quick``, ``standard``, ``thorough``.

        Raises
        ------
        UserError
            When there is no such preset.
        """
        if name not in PRESETS:
            raise UserError(
                f"there is no recipe called {name!r}",
                code="recipe.unknown",
                hint=f"Use one of {', '.join(PRESETS)}, or give the path of a TOML file.",
            )
        text = resources.files(__package__).joinpath(cls.presets, f"{name}.toml").read_text(encoding="utf-8")
        return cls.model_validate(tomllib.loads(text))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a recipe from a TOML file.

        Raises
        ------
        DataError
            When the file is not TOML, or a key is unknown or out of range: the message names the key.
        """
        try:
            return cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise DataError(
                "the recipe cannot be read", code="recipe.unreadable", hint="Check the path.", subject=str(path)
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DataError(
                f"the recipe is not valid TOML ({error})",
                code="recipe.syntax",
                hint="Mend the line named, or start from a preset.",
                subject=path.name,
            ) from error
        except ValidationError as error:
            raise _invalid(cls, error, path.name) from error

    @classmethod
    def resolve(cls, name_or_path: str) -> Self:
        """Return the preset of that name, or else the recipe in that file."""
        return cls.preset(name_or_path) if name_or_path in PRESETS else cls.read(Path(name_or_path))

    def changed(self, settings: dict[str, Any]) -> Self:
        """Return a copy with some settings changed, validated again.

        Raises
        ------
        UserError
            When a setting is unknown or its value is out of range.
        """
        try:
            return type(self).model_validate({**self.model_dump(), **settings})
        except ValidationError as error:
            problem = _invalid(type(self), error, None)
            raise UserError(problem.message, code="recipe.setting", hint=problem.hint) from error


def _invalid(kind: type[Settings], error: ValidationError, subject: str | None) -> DataError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    known = ", ".join(kind.model_fields)
    return DataError(
        f"the recipe's setting {key!r} is not acceptable: {first['msg'].lower()}",
        code="recipe.invalid",
        hint=f"Settings are: {known}." if first["type"] == "extra_forbidden" else "Change the value.",
        subject=subject,
    )
