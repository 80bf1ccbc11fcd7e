"""docs/settings.md is the table of the settings: it is compared with the fields, so that neither grows alone."""

from pathlib import Path

from pydantic.fields import FieldInfo

from app.settings import CHECKOUT, Settings

PAGE = CHECKOUT / "docs" / "settings.md"
BEGIN = "| Variable | Default | Meaning |\n|---|---|---|\n"


def row(name: str, field: FieldInfo) -> str:
    variable = str(field.validation_alias or f"PIXCRAWLER_{name.upper()}")
    default = "" if field.default in ("", None) else f"`{_shown(field.default)}`"
    return f"| `{variable}` | {default} | {field.description} |\n"


def _shown(default: object) -> str:
    return (
        str(default.relative_to(CHECKOUT))
        if isinstance(default, Path)
        else str(default).lower()
        if isinstance(default, bool)
        else str(default)
    )


def table() -> str:
    return BEGIN + "".join(row(name, field) for name, field in Settings.model_fields.items())


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_page_lists_every_setting_as_it_is() -> None:
    """To renew the page: python -m tests.rules.test_settings"""
    assert table() in PAGE.read_text(), "docs/settings.md is old: run `.venv/bin/python -m tests.rules.test_settings`"


if __name__ == "__main__":
    before, _, after = PAGE.read_text().partition(BEGIN)
    rest = after[after.index("\n\n") :] if "\n\n" in after else "\n"
    PAGE.write_text(before + table().rstrip("\n") + rest)
