"""The models: the seven import, say the same columns as the database, and know each other both ways."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import asyncpg
from tortoise.models import Model

from app.commands.alignment_checks.catalogue import Catalogue, short_type
from app.commands.alignment_checks.contract import (
    CHUNK_COLUMNS,
    CHUNK_PROGRESS,
    RELATIONS,
    TABLES,
)
from app.commands.alignment_checks.report import Check, compared
from app.database import MODULE, init_models

CHUNK_SAMPLES = ((0, 0), (1, 0), (3, 1), (3, 2), (7, 7), (200, 199))
"""Pairs of total and completed chunks on which the ways to compute `chunk_progress` have to agree."""


def load_models() -> tuple[dict[str, type[Model]], list[Check]]:
    """The models that import, by name, and a line for each of the seven."""
    models: dict[str, type[Model]] = {}
    checks: list[Check] = []
    try:
        module = importlib.import_module(MODULE)
        init_models()
    except ImportError as error:
        return {}, [Check(f"model {table.model}", False, f"{MODULE} does not import: {error}") for table in TABLES]
    for table in TABLES:
        model = getattr(module, table.model, None)
        if not (isinstance(model, type) and issubclass(model, Model)):
            checks.append(Check(f"model {table.model}", False, f"{MODULE} has no such model"))
            continue
        models[table.model] = model
        stands_for = model._meta.db_table
        differs = [] if stands_for == table.name else [f"stands for {stands_for}, the contract says {table.name}"]
        checks.append(compared(f"model {table.model}", differs, f"imports, stands for {table.name}"))
    return models, checks


def check_model_columns(models: dict[str, type[Model]], catalogue: Catalogue) -> Iterator[Check]:
    """Each model's columns against the live ones: name, type and nullability."""
    for table in TABLES:
        if table.model not in models:
            continue
        model = models[table.model]
        live = {c.name: (c.type, c.nullable) for c in catalogue.columns.get(table.name, {}).values()}
        said = {
            column: (_sql_type(model._meta.fields_map[name]), model._meta.fields_map[name].null)
            for name, column in model._meta.fields_db_projection.items()
        }
        differs = [
            f"{name}: the model says {_shown(said.get(name))}, the database {_shown(live.get(name))}"
            for name in sorted(said.keys() | live.keys())
            if said.get(name) != live.get(name)
        ]
        yield compared(f"model {table.model} as the database", differs, f"{len(said)} columns alike")


def _sql_type(field: Any) -> str:
    """PostgreSQL's name of a model field's type."""
    name: str = field.get_for_dialect("postgres", "SQL_TYPE").lower()
    return short_type({"int": "integer"}.get(name, name))


def _shown(column: tuple[str, bool] | None) -> str:
    if column is None:
        return "nothing"
    kind, nullable = column
    return f"{kind} {'null' if nullable else 'not null'}"


def check_relations(models: dict[str, type[Model]]) -> Iterator[Check]:
    """Parent's list and child's link, both ways."""
    for parent, many, child, one in RELATIONS:
        down = _related(models.get(parent), many)
        up = _related(models.get(child), one)
        yield compared(f"relation {parent}.{many}", [] if down == child else [_leads(down, child)], child)
        yield compared(f"relation {child}.{one}", [] if up == parent else [_leads(up, parent)], parent)


def _related(model: type[Model] | None, name: str) -> str:
    field = model._meta.fields_map.get(name) if model else None
    return str(getattr(getattr(field, "related_model", None), "__name__", ""))


def _leads(there: str, wanted: str) -> str:
    return f"leads to {there or 'nothing'}, the contract says {wanted}"


async def check_chunks(
    connection: asyncpg.Connection, models: dict[str, type[Model]], catalogue: Catalogue, api_sql: str
) -> list[Check]:
    """The fields that follow chunks, and `chunk_progress` computed alike by contract, model and API.

    `api_sql` is the API's expression over a row named `job`; empty where the API has none.
    """
    live = catalogue.columns.get("crawl_jobs", {})
    missing = [f"{name} is missing" for name in CHUNK_COLUMNS if name not in live]
    model = models.get("CrawlJob")
    if model is None or not api_sql:
        absent = ["the model is missing"] if model is None else []
        absent += ["the API has no expression for it"] if not api_sql else []
        return [compared("chunk-tracking fields", missing, ""), compared("chunk_progress", absent, "")]
    differs: list[str] = []
    for total, completed in CHUNK_SAMPLES:
        row = await connection.fetchrow(
            f"select {CHUNK_PROGRESS} as contract, {api_sql} as api"  # noqa: S608 - text of ours
            " from (values ($1::int, $2::int)) as job (total_chunks, completed_chunks)",
            total,
            completed,
        )
        by_model = getattr(model(total_chunks=total, completed_chunks=completed), "chunk_progress", None)
        if not by_model == row["contract"] == row["api"]:
            said = f"the model says {by_model}, the API {row['api']}, the contract {row['contract']}"
            differs.append(f"{completed} of {total}: {said}")
    return [
        compared("chunk-tracking fields", missing, ", ".join(CHUNK_COLUMNS)),
        compared("chunk_progress", differs, f"model, API and contract agree on {len(CHUNK_SAMPLES)} samples"),
    ]
