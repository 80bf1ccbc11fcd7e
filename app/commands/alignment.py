"""`pixcrawler schema check`: the live database against the contract with everyone who reads it by plain SQL.

Reads one snapshot in a read-only transaction and prints a line for each thing that was checked.
"""

from __future__ import annotations

import asyncio

import asyncpg
from graphql import GraphQLSchema

from app.commands.alignment_checks import catalogue, columns, constraints, graphql, migrations, models, plans
from app.commands.alignment_checks.report import Check, as_json, as_text, compared
from app.database import CONNECT_TIMEOUT_S, credentials
from app.settings import settings


def run(as_json_document: bool) -> int:
    """Prints the report. Returns 0 where every line is PASSED, else 1.

    Raises DATABASE_ERRORS where the database is not reached.
    """
    checks = asyncio.run(examine(settings().database_url))
    print(as_json(checks) if as_json_document else as_text(checks))
    return 0 if all(check.ok for check in checks) else 1


async def examine(url: str) -> list[Check]:
    """Every check, against the database at `url`. Raises DATABASE_ERRORS where it is not reached."""
    connection = await asyncpg.connect(**credentials(url), timeout=CONNECT_TIMEOUT_S)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await examine_connection(connection)
    finally:
        await connection.close()


async def examine_connection(connection: asyncpg.Connection) -> list[Check]:
    """Every check, as this connection's transaction sees the database; needs one under way."""
    live = await catalogue.read(connection)
    found, checks = models.load_models()
    checks += columns.check_tables(live)
    checks += columns.check_columns(live)
    checks += models.check_model_columns(found, live)
    checks += constraints.check_foreign_keys(live)
    checks += models.check_relations(found)
    checks += constraints.check_conditions(live)
    checks += constraints.check_indexes(live)
    checks += constraints.check_triggers(live)
    checks += await models.check_chunks(connection, found, live, graphql.chunk_progress_sql("job"))
    checks += migrations.check_files()
    checks += [await migrations.check_head(connection), await migrations.check_drift()]
    return checks + await _check_api(connection)


async def _check_api(connection: asyncpg.Connection) -> list[Check]:
    """What needs the GraphQL schema: its types, and the plans of what it offers."""
    checks: list[Check] = []
    try:
        schema = graphql.built_schema()
    except LookupError as error:
        checks.append(Check("GraphQL schema", False, str(error.args[0])))
        schema = GraphQLSchema()
    checks += graphql.check_graphql(schema)
    offered = graphql.offered(schema, plans.PARENTS)
    checks.append(compared("plans cover the API", plans.unplanned(offered), "each filter has a statement"))
    empty = await plans.known_empty(connection)
    checks += [await plans.check_plan(connection, question, empty) for question in plans.questions(offered)]
    return checks
