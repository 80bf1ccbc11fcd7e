"""The rules about the schema use the databases of the schema's own tests."""

from __future__ import annotations

from tests.schema_check.conftest import make_database, migrated_url, server_url

__all__ = ["make_database", "migrated_url", "server_url"]
