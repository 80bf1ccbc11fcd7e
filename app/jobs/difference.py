"""What a re-crawl found beside its former job, as SQL: the reads and the export ask the same.

What was stored was compared as it was recorded (`images.fetch`, `difference`). What is gone is looked up: of the images
that the former job stored, those that the re-crawl was refused, and those that it did not find although every source
ran dry. An address is one row of a job, so the index on the address's digest pairs the rows.
"""

from __future__ import annotations

# Whether nothing more would have been found: no source, and no term of one, was given up or broken off.
_DRY = """not jsonb_path_exists({job}.options, '$.discovery[*] ? (@.state != "done")')
    and not jsonb_path_exists({job}.options, '$.discovery[*].queries[*] ? (@.state == "failed")')"""
_SAME_ADDRESS = "md5({a}.original_url)::uuid = md5({b}.original_url)::uuid"

VERDICT = "{t}.\"fetch\"->>'difference'"
"""How a stored image `{t}` of a re-crawl compares; NULL for all others."""


def difference(t: str) -> str:
    """The JSONB document of the crawl job's row `t`: how many of each; NULL where it is no re-crawl.

    `gone` and `undecided` are null once the former job is deleted.
    """
    return f"""(select jsonb_build_object('new', c$.new, 'changed', c$.changed, 'unchanged', c$.unchanged,
    'gone', g$.gone, 'undecided', g$.undecided)
    from (select count(*) filter (where i$.verdict = 'new') as new,
            count(*) filter (where i$.verdict = 'changed') as changed,
            count(*) filter (where i$.verdict = 'unchanged') as unchanged
        from (select {VERDICT.format(t="s$")} as verdict from images s$ where s$.crawl_job_id = {t}.id) i$
    ) c$ left join (select count(*) filter (where h$.status = 'failed' or h$.missing and d$.dry) as gone,
            count(*) filter (where h$.status = 'pending' or h$.missing and not d$.dry) as undecided
        from crawl_jobs o$ cross join (select {_DRY.format(job=t)} as dry offset 0) d$ left join (
            select f$.crawl_job_id, m$.status, m$.id is null as missing from images f$
            left join images m$ on m$.crawl_job_id = {t}.id and {_SAME_ADDRESS.format(a="m$", b="f$")}
            where f$.crawl_job_id = ({t}.options->>'recrawl_of')::int and f$.storage_url is not null
        ) h$ on h$.crawl_job_id = o$.id
        where o$.id = ({t}.options->>'recrawl_of')::int group by o$.id
    ) g$ on true where {t}.options ? 'recrawl_of')"""  # noqa: S608 - text of ours


def gone_in(t: str, job: str) -> str:
    """The condition of an image's row `t`: it is gone in the re-crawl `job`, a key with its cast, of its own job.

    Whoever sees the image sees that job too: both are of one project.
    """
    return f"""{t}.storage_url is not null and {t}.crawl_job_id = (
        select o$.id from crawl_jobs n$ join crawl_jobs o$ on o$.id = (n$.options->>'recrawl_of')::int
            and o$.project_id = n$.project_id where n$.id = {job})
    and coalesce(
        (select m$.status = 'failed' from images m$
            where m$.crawl_job_id = {job} and {_SAME_ADDRESS.format(a="m$", b=t)}),
        (select {_DRY.format(job="n$")} from crawl_jobs n$ where n$.id = {job}))"""  # noqa: S608 - text of ours
