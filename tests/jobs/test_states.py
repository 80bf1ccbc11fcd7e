"""Each arrow between states, and the answer to each that is none."""

from __future__ import annotations

import uuid

import asyncpg
import pytest

from app.errors import IllegalTransition, NotFound
from app.jobs import project
from app.values import Viewer


async def _viewer(db: asyncpg.Connection) -> Viewer:
    key = uuid.uuid4()
    await db.execute("insert into profiles (id, email) values ($1, $2)", key, f"{key}@example.org")
    return Viewer(key)


async def test_a_project_is_archived_and_restored_and_each_change_is_logged(db: asyncpg.Connection) -> None:
    viewer = await _viewer(db)
    key = await project.create(viewer, " Cats ", None)
    await project.archive(viewer, key)
    with pytest.raises(IllegalTransition) as refused:
        await project.archive(viewer, key)
    assert (refused.value.actual, refused.value.allowed) == ("ARCHIVED", ("ACTIVE",))
    await project.restore(viewer, key)
    rows = await db.fetch("select action from activity_logs order by id")
    assert [row["action"] for row in rows] == ["project.created", "project.archived", "project.restored"]
    assert await db.fetchval("select name from projects where id = $1", key) == "Cats"


async def test_anothers_project_is_answered_like_a_missing_one(db: asyncpg.Connection) -> None:
    mine, other = await _viewer(db), await _viewer(db)
    key = await project.create(mine, "Cats", None)
    answers = []
    for wanted in (key, 999_999):
        with pytest.raises(NotFound) as refused:
            await project.archive(other, wanted)
        answers.append((refused.value.message, refused.value.path))
    assert answers[0] == answers[1]
