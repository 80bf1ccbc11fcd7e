"""What a re-crawl found beside its former job, as SQL: the reads and the export ask the same.

Each image was compared as it was recorded (`images.fetch`, `difference`): new, changed or unchanged where it was
stored, gone where it was refused although the former job had it. What was not found at all has no row. It counts as
gone once the search and the fetching have come to their end, and is undecided until then.
"""

from __future__ import annotations

from enum import StrEnum


class Difference(StrEnum):
    """What a re-crawl stored of an address, or was refused, beside what the former job had stored of it."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    GONE = "gone"


VERDICT = "(case when {t}.status <> 'pending' then {t}.\"fetch\"->>'difference' end)"
"""How an image's row `{t}` of a re-crawl compares; NULL for those that neither job stored, and of other jobs."""

# Nothing more could be found: no source, and no term of one, was given up or broken off, and no row waits.
_ENDED = """(not jsonb_path_exists({job}.options, '$.discovery[*] ? (@.state != "done")')
    and not jsonb_path_exists({job}.options, '$.discovery[*].queries[*] ? (@.state == "failed")')
    and ({job}.options->>'final')::bigint >= {job}.total_images and not {job}.options ? 'reviving')"""
_FORMER = "(select o$.id from crawl_jobs o$ where o$.id = ({t}.options->>'recrawl_of')::int)"


def difference(t: str) -> str:
    """The JSONB document of the crawl job's row `t`: how many of each; NULL where it is no re-crawl.

    One pass over the job's images. How many the former one had stored was counted when this one was made; once that one
    is deleted `gone` and `undecided` are null, since what was deleted unasked could not be compared.
    """
    verdict = VERDICT.format(t="i$")
    counts = ", ".join(f"count(*) filter (where v$.verdict = '{name}') as {name}" for name in Difference)
    return f"""(select jsonb_build_object('new', c$.new, 'changed', c$.changed, 'unchanged', c$.unchanged,
        'gone', case when c$.former is not null then c$.gone + case when c$.ended then c$.missing else 0 end end,
        'undecided', case when c$.former is not null then case when c$.ended then 0 else c$.missing end end)
    from (select n$.*, {_ENDED.format(job=t)} as ended, {_FORMER.format(t=t)} as former,
            greatest(0, ({t}.options->>'recrawl_stored')::bigint - n$.changed - n$.unchanged - n$.gone) as missing
        from (select {counts} from (select {verdict} as verdict from images i$ where i$.crawl_job_id = {t}.id) v$) n$
    ) c$ where {t}.options ? 'recrawl_of')"""  # noqa: S608 - text of ours


def gone_in(t: str, job: str) -> str:
    """The condition of an image's row `t`: it is gone in the re-crawl `job`, a key with its cast, of its own job.

    Whoever sees the image sees that job too: both are of one project.
    """
    return f"""{t}.storage_url is not null and {t}.crawl_job_id = (
        select o$.id from crawl_jobs n$ join crawl_jobs o$ on o$.id = (n$.options->>'recrawl_of')::int
            and o$.project_id = n$.project_id where n$.id = {job})
    and coalesce(
        (select {VERDICT.format(t="m$")} is not distinct from 'gone' from images m$
            where m$.crawl_job_id = {job} and md5(m$.original_url)::uuid = md5({t}.original_url)::uuid),
        (select {_ENDED.format(job="n$")} from crawl_jobs n$ where n$.id = {job}))"""  # noqa: S608 - text of ours
