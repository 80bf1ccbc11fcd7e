"""What is broken on purpose, each with the lines of the report that have to fail: those and no others."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """SQL that breaks something, the lines that have to fail, and a word that their messages have to say."""

    sql: str
    fails: frozenset[str]
    says: str = ""


def breaks(sql: str, *fails: str, says: str = "") -> Fault:
    return Fault(sql, frozenset(fails), says)


FAULTS = {
    "a dropped index": breaks("drop index ix_crawl_job_status", "index ix_crawl_job_status", says="missing"),
    "a dropped index that a look-up needs": breaks(
        "drop index ix_images_sha256", "index ix_images_sha256", "plan of bytes that any row names", says="missing"
    ),
    "an index on other columns": breaks(
        "drop index ix_activity_log_timestamp; create index ix_activity_log_timestamp on activity_logs (action)",
        "index ix_activity_log_timestamp",
        "plan of activity lines since",
        "plan of all activity lines by time, in order",
        says="on activity_logs (action)",
    ),
    "an index that does not order": breaks(
        "drop index ix_export_job_status; create index ix_export_job_status on export_jobs using hash (status)",
        "index ix_export_job_status",
        says="hash",
    ),
    "an index that was not finished": breaks(
        "update pg_index set indisvalid = false where indexrelid = 'ix_export_job_user_id'::regclass",
        "index ix_export_job_user_id",
        "plan of export jobs of a profile",
        says="invalid",
    ),
    "a partial index over other rows": breaks(
        "drop index ix_images_pending; "
        "create index ix_images_pending on images (crawl_job_id, chunk) where status = 'failed'",
        "index ix_images_pending",
        says="status = 'failed'",
    ),
    "one URL twice in a job": breaks(
        "drop index uq_images_job_url; "
        "create index uq_images_job_url on images (crawl_job_id, (md5(original_url)::uuid))",
        "index uq_images_job_url",
        says="unique",
    ),
    "emails no longer unique": breaks(
        "alter table profiles drop constraint ix_profiles_email",
        "column profiles.email",
        "index ix_profiles_email",
        "plan of profile by email",
    ),
    "a unique of other columns": breaks(
        "alter table crawl_jobs drop constraint uq_crawl_jobs_idempotency_key, "
        "add constraint uq_crawl_jobs_idempotency_key unique (idempotency_key)",
        "index uq_crawl_jobs_idempotency_key",
        "column crawl_jobs.idempotency_key",
        says="idempotency_key",
    ),
    "a unique that is checked late": breaks(
        "alter table profiles drop constraint ix_profiles_email, "
        "add constraint ix_profiles_email unique (email) deferrable",
        "index ix_profiles_email",
        says="deferrable",
    ),
    "a unique too many": breaks(
        "create unique index u on projects (name)", "no other unique index", "column projects.name"
    ),
    "a changed default": breaks(
        "alter table crawl_jobs alter max_images set default 500", "column crawl_jobs.max_images", says="default is 500"
    ),
    "a dropped default": breaks(
        "alter table projects alter status drop default", "column projects.status", says="default is none"
    ),
    "a default of another document": breaks(
        "alter table images alter issues set default '{}'", "column images.issues", says="default is '{}'"
    ),
    "a default where there is none": breaks(
        "alter table images alter chunk set default 0", "column images.chunk", says="default is 0"
    ),
    "a missing identity": breaks(
        "alter table images alter id drop default", "column images.id", says="default is none"
    ),
    "a sequence that belongs elsewhere": breaks(
        "create sequence s; alter table projects alter id set default nextval('s')",
        "column projects.id",
        says="nextval",
    ),
    "a widened column": breaks(
        "alter table projects alter name type varchar(200)",
        "column projects.name",
        "model Project as the database",
        says="varchar(200)",
    ),
    "an unlimited column": breaks(
        "alter table activity_logs alter resource_type type text",
        "column activity_logs.resource_type",
        "model ActivityLog as the database",
        says="text",
    ),
    "a wider number": breaks(
        "alter table images alter width type bigint",
        "column images.width",
        "model Image as the database",
        says="bigint",
    ),
    "a time without a zone": breaks(
        "alter table export_jobs alter expires_at type timestamp",
        "column export_jobs.expires_at",
        "model ExportJob as the database",
        says="without time zone",
    ),
    "json that is not jsonb": breaks(
        "alter table activity_logs alter metadata_ type json",
        "column activity_logs.metadata_",
        "model ActivityLog as the database",
        says="type is json,",
    ),
    "a nullable made not null": breaks(
        "alter table images alter storage_url set not null",
        "column images.storage_url",
        "model Image as the database",
        says="not null",
    ),
    "a not null made nullable": breaks(
        "alter table images alter chunk drop not null",
        "column images.chunk",
        "model Image as the database",
        says="null",
    ),
    "a renamed column": breaks(
        "alter table activity_logs rename metadata_ to metadata",
        "column activity_logs.metadata_",
        "no other column of activity_logs",
        "model ActivityLog as the database",
        says="metadata",
    ),
    "a column too many": breaks(
        "alter table profiles add phone text",
        "no other column of profiles",
        "model Profile as the database",
        says="phone",
    ),
    "a dropped column of the chunks": breaks(
        "alter table crawl_jobs drop active_chunks",
        "column crawl_jobs.active_chunks",
        "check crawl_jobs.active_chunks",
        "chunk-tracking fields",
        "model CrawlJob as the database",
        says="active_chunks",
    ),
    "a missing primary key": breaks(
        "alter table activity_logs drop constraint activity_logs_pkey",
        "primary key of activity_logs",
        "column activity_logs.id",
        "plan of activity line by id",
        "plan of activity lines of a profile, upwards",
    ),
    "a missing cascade": breaks(
        "alter table images drop constraint images_crawl_job_id_fkey, "
        "add constraint images_crawl_job_id_fkey foreign key (crawl_job_id) references crawl_jobs",
        "foreign key images.crawl_job_id",
        "column images.crawl_job_id",
        says="on delete no action",
    ),
    "activity lines that go with their profile": breaks(
        "alter table activity_logs drop constraint activity_logs_user_id_fkey, add constraint "
        "activity_logs_user_id_fkey foreign key (user_id) references profiles on delete cascade",
        "foreign key activity_logs.user_id",
        "column activity_logs.user_id",
        says="on delete cascade",
    ),
    "a dropped foreign key": breaks(
        "alter table export_jobs drop constraint export_jobs_user_id_fkey",
        "foreign key export_jobs.user_id",
        "column export_jobs.user_id",
    ),
    "a foreign key to another table": breaks(
        "alter table validation_jobs drop constraint validation_jobs_crawl_job_id_fkey, add constraint f "
        "foreign key (crawl_job_id) references projects on delete cascade",
        "foreign key validation_jobs.crawl_job_id",
        "column validation_jobs.crawl_job_id",
        says="references projects.id",
    ),
    "a foreign key that old rows may break": breaks(
        "alter table projects drop constraint projects_user_id_fkey, add constraint projects_user_id_fkey "
        "foreign key (user_id) references profiles on delete cascade not valid",
        "foreign key projects.user_id",
        "column projects.user_id",
        says="not validated",
    ),
    "a foreign key too many": breaks(
        "alter table images add foreign key (chunk) references projects",
        "no other foreign key of images",
        "column images.chunk",
        says="projects",
    ),
    "a dropped check of states": breaks(
        "alter table crawl_jobs drop constraint ck_crawl_jobs_status", "check crawl_jobs.status", says="missing"
    ),
    "a state too many": breaks(
        "alter table images drop constraint ck_images_status, add constraint ck_images_status check "
        "(status in ('pending', 'downloaded', 'valid', 'invalid', 'duplicate', 'failed', 'lost'))",
        "check images.status",
        says="'lost'",
    ),
    "counters below zero": breaks(
        "alter table crawl_jobs drop constraint ck_crawl_jobs_failed_chunks", "check crawl_jobs.failed_chunks"
    ),
    "more than a hundred percent": breaks(
        "alter table export_jobs drop constraint ck_export_jobs_progress, add check (progress between 0 and 101)",
        "check export_jobs.progress",
        says="101",
    ),
    "a check that old rows may break": breaks(
        "alter table images drop constraint ck_images_chunk, "
        "add constraint ck_images_chunk check (chunk >= 0) not valid",
        "check images.chunk",
        says="not validated",
    ),
    "a check too many": breaks(
        "alter table projects add constraint c check (length(name) > 3 and id > 0)", "no other check of projects"
    ),
    "a dropped trigger": breaks("drop trigger tr_images_touch on images", "trigger of images"),
    "a disabled trigger": breaks(
        "alter table projects disable trigger tr_projects_touch", "trigger of projects", says="disabled"
    ),
    "a trigger for some columns": breaks(
        "drop trigger tr_crawl_jobs_touch on crawl_jobs; create trigger tr_crawl_jobs_touch before update of name "
        "on crawl_jobs for each row execute function touch_job()",
        "trigger of crawl_jobs",
        says="before every UPDATE",
    ),
    "a trigger that forgets the revision": breaks(
        "drop trigger tr_export_jobs_touch on export_jobs; create trigger tr_export_jobs_touch before update "
        "on export_jobs for each row execute function touch_row()",
        "trigger of export_jobs",
        says="revision",
    ),
    "a trigger that does nothing": breaks(
        "create or replace function touch_row() returns trigger language plpgsql as 'begin return new; end'",
        "trigger of profiles",
        "trigger of projects",
        "trigger of images",
        says="updated_at",
    ),
    "an eighth table": breaks("create table tags (id int)", "no eighth table", says="tags"),
    "an eighth table behind a view": breaks(
        "create materialized view totals as select 1 as one", "no eighth table", says="totals"
    ),
    "a migration not applied": breaks("delete from aerich", "migration head", says="pixcrawler migrate"),
    "a migration from a newer checkout": breaks(
        "insert into aerich (version, app, content) values ('9_20990101000000_later.py', 'models', '{}')",
        "migration head",
        says="9_20990101000000_later.py",
    ),
    "a migration recorded twice": breaks(
        "insert into aerich (version, app, content) select version, app, content from aerich",
        "migration head",
        says="twice",
    ),
}
