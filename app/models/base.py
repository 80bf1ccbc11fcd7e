"""What the seven tables share: their time stamps, and an index written as SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tortoise import fields
from tortoise.fields import SqlDefault
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model

NOW = SqlDefault("now()")
EMPTY_ARRAY = SqlDefault("'[]'::jsonb")
EMPTY_OBJECT = SqlDefault("'{}'::jsonb")


class SqlIndex(Index):
    """An index whose columns are SQL: unique, partial, over an expression or by another method than btree."""

    def __init__(
        self,
        *,
        fields: Sequence[str],
        name: str,
        columns: str = "",
        unique: bool = False,
        condition: str = "",
        method: str = "",
        storage: str = "",
    ) -> None:
        super().__init__(fields=tuple(fields), name=name)
        self.columns = columns
        self.unique = unique
        self.condition = condition
        self.method = method
        self.storage = storage

    def get_sql(self, schema_generator: Any, model: type[Model], safe: bool) -> str:
        """The CREATE INDEX statement."""
        kind = "UNIQUE INDEX" if self.unique else "INDEX"
        absent = "IF NOT EXISTS " if safe else ""
        columns = self.columns or ", ".join(f'"{name}"' for name in self.fields)
        where = f" WHERE {self.condition}" if self.condition else ""
        using = f"USING {self.method} " if self.method else ""
        stored = f" WITH ({self.storage})" if self.storage else ""
        return f'CREATE {kind} {absent}"{self.name}" ON "{model._meta.db_table}" {using}({columns}){stored}{where};'

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """The ORM's way to write an index down."""
        path, args, kwargs = super().deconstruct()
        more = {"columns": self.columns, "unique": self.unique, "condition": self.condition}
        rare = {"method": self.method, "storage": self.storage}
        return path, args, kwargs | more | {name: value for name, value in rare.items() if value}


class Stamped(Model):
    """`created_at` and `updated_at`; a trigger keeps the second true whoever writes."""

    created_at = fields.DatetimeField(db_default=NOW)
    updated_at = fields.DatetimeField(db_default=NOW)

    class Meta:
        abstract = True


def one_of(table: str, column: str, values: Sequence[str]) -> CheckConstraint:
    """CHECK that `column` holds one of `values`."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(check=f"{column} IN ({listed})", name=f"ck_{table}_{column}")


def not_negative(table: str, *columns: str) -> list[CheckConstraint]:
    """CHECK that each counter is at least 0."""
    return [CheckConstraint(check=f"{column} >= 0", name=f"ck_{table}_{column}") for column in columns]


def percent(table: str, column: str = "progress") -> CheckConstraint:
    """CHECK that `column` lies in 0..100."""
    return CheckConstraint(check=f"{column} BETWEEN 0 AND 100", name=f"ck_{table}_{column}")
