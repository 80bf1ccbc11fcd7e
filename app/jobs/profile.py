"""What may happen to a profile: its holder changes its name and picture."""

from __future__ import annotations

from app.database import transaction
from app.errors import Invalid
from app.jobs import activity
from app.jobs.limits import NAME_CHARS, URL_CHARS, check_text
from app.values import Viewer

UPDATE = """
update profiles set full_name = case when $2 then $3 else full_name end,
    avatar_url = case when $4 then $5 else avatar_url end
where id = $1
"""


async def update(
    viewer: Viewer, *, full_name: str | None, set_full_name: bool, avatar_url: str | None, set_avatar_url: bool
) -> None:
    """Set or clear what was given; what was not given stays."""
    name = None if full_name is None else check_text(full_name, ["input", "fullName"], NAME_CHARS)
    picture = None if avatar_url is None else check_text(avatar_url, ["input", "avatarUrl"], URL_CHARS)
    if picture is not None and not picture.startswith(("https://", "http://")):
        raise Invalid("avatarUrl must begin with https:// or http://.", path=["input", "avatarUrl"])
    async with transaction() as tx:
        await tx.connection.execute(UPDATE, viewer.id, set_full_name, name, set_avatar_url, picture)
        await activity.write(tx, viewer.id, "profile.updated", "Profile", viewer.id)
