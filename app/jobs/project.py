"""What may happen to a project."""

from __future__ import annotations

from app.database import transaction
from app.errors import Invalid
from app.jobs import activity
from app.jobs.change import Kind, change, remove, visible_row
from app.jobs.limits import DESCRIPTION_CHARS, NAME_CHARS, check_text
from app.models.project import Project
from app.models.states import PROJECT
from app.values import Viewer

PROJECT_KIND = Kind("projects", "Project", "project", PROJECT)

UPDATE = """
update projects set name = coalesce($2, name), description = case when $3 then $4 else description end where id = $1
"""


async def create(viewer: Viewer, name: str, description: str | None) -> int:
    """A new project of the viewer's; its id."""
    name = check_text(name, ["input", "name"], NAME_CHARS)
    text = _description(description)
    async with transaction() as tx:
        project = await Project.create(using_db=tx.client, name=name, description=text, user_id=viewer.id)
        await activity.write(tx, viewer.id, "project.created", "Project", project.id, {"name": name})
    return project.id


def _description(text: str | None) -> str | None:
    if text is None:
        return None
    return check_text(text, ["input", "description"], DESCRIPTION_CHARS, least=0) or None


async def update(
    viewer: Viewer, key: int, *, name: str | None, description: str | None, clear_description: bool
) -> int:
    """Rename or describe; `None` leaves, `clear_description` clears."""
    given = {"name": name, "description": description}
    name = None if name is None else check_text(name, ["input", "name"], NAME_CHARS)
    text = _description(description)
    changed = sorted(field for field, value in given.items() if value is not None)
    async with transaction() as tx:
        await visible_row(tx, PROJECT_KIND, key, viewer, "id", lock="for update", path=["input", "id"])
        touches = description is not None or clear_description
        await tx.connection.execute(UPDATE, key, name, touches, text)
        await activity.write(tx, viewer.id, "project.updated", "Project", key, {"fields": changed})
    return key


async def archive(viewer: Viewer, key: int) -> int:
    """active → archived: no new jobs, starts, resumes or retries; what runs finishes."""
    async with transaction() as tx:
        await change(tx, PROJECT_KIND, "archive", key, viewer)
        await activity.write(tx, viewer.id, "project.archived", "Project", key)
    return key


async def restore(viewer: Viewer, key: int) -> int:
    """archived → active."""
    async with transaction() as tx:
        await change(tx, PROJECT_KIND, "restore", key, viewer)
        await activity.write(tx, viewer.id, "project.restored", "Project", key)
    return key


async def delete(viewer: Viewer, key: int) -> int:
    """Delete the project and all its jobs; bytes that no row names any more are collected later."""
    async with transaction() as tx:
        await remove(tx, PROJECT_KIND, key, viewer)
        await activity.write(tx, viewer.id, "project.deleted", "Project", key)
    return key


def refuse_null(field: str) -> Invalid:
    """The answer to `null` for a field that cannot be cleared."""
    return Invalid(f"{field} cannot be null: leave it out to keep it.", path=["input", field])
