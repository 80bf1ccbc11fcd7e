"""The seven tables, their constraints, indexes and triggers.

The CHECK and named UNIQUE constraints and the triggers are written by hand: aerich does not see them.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE "profiles" (
    "id" UUID NOT NULL PRIMARY KEY,
    "email" VARCHAR(255) NOT NULL,
    "full_name" VARCHAR(100),
    "avatar_url" TEXT,
    "role" VARCHAR(20) NOT NULL DEFAULT 'user',
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
    "updated_at" TIMESTAMPTZ NOT NULL DEFAULT now()
);
COMMENT ON TABLE "profiles" IS 'A person or a service that holds tokens.';
CREATE TABLE "activity_logs" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "action" TEXT NOT NULL,
    "resource_type" VARCHAR(50),
    "resource_id" VARCHAR(50),
    "metadata_" JSONB,
    "timestamp" TIMESTAMPTZ NOT NULL DEFAULT now(),
    "user_id" UUID REFERENCES "profiles" ("id") ON DELETE SET NULL
);
CREATE INDEX "ix_activity_log_user_id" ON "activity_logs" ("user_id");
CREATE INDEX "ix_activity_log_timestamp" ON "activity_logs" ("timestamp");
COMMENT ON TABLE "activity_logs" IS 'A line of the activity log; it outlives the profile that it names.';
CREATE TABLE "projects" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(100) NOT NULL,
    "description" TEXT,
    "status" VARCHAR(20) NOT NULL DEFAULT 'active',
    "user_id" UUID NOT NULL REFERENCES "profiles" ("id") ON DELETE CASCADE,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
    "updated_at" TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX "ix_project_user_id" ON "projects" ("user_id");
COMMENT ON TABLE "projects" IS 'A project.';
CREATE TABLE "crawl_jobs" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(100) NOT NULL,
    "keywords" JSONB NOT NULL,
    "max_images" INT NOT NULL DEFAULT 1000,
    "status" VARCHAR(20) NOT NULL DEFAULT 'pending',
    "progress" INT NOT NULL DEFAULT 0,
    "total_images" INT NOT NULL DEFAULT 0,
    "downloaded_images" INT NOT NULL DEFAULT 0,
    "valid_images" INT NOT NULL DEFAULT 0,
    "started_at" TIMESTAMPTZ,
    "completed_at" TIMESTAMPTZ,
    "total_chunks" INT NOT NULL DEFAULT 0,
    "active_chunks" INT NOT NULL DEFAULT 0,
    "completed_chunks" INT NOT NULL DEFAULT 0,
    "failed_chunks" INT NOT NULL DEFAULT 0,
    "task_ids" JSONB NOT NULL DEFAULT '[]'::jsonb,
    "options" JSONB NOT NULL DEFAULT '{}'::jsonb,
    "leases" JSONB NOT NULL DEFAULT '{}'::jsonb,
    "error_message" TEXT,
    "revision" BIGINT NOT NULL DEFAULT 0,
    "idempotency_key" VARCHAR(100),
    "project_id" INT NOT NULL REFERENCES "projects" ("id") ON DELETE CASCADE,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
    "updated_at" TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX "ix_crawl_job_status" ON "crawl_jobs" ("status");
CREATE INDEX "ix_crawl_jobs_project_id" ON "crawl_jobs" ("project_id");
CREATE INDEX "ix_crawl_job_project_status" ON "crawl_jobs" ("project_id", "status");
COMMENT ON TABLE "crawl_jobs" IS 'A crawl job; `app/jobs/crawl.py` says what its `options` document holds.';
CREATE TABLE "export_jobs" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(100) NOT NULL,
    "status" VARCHAR(20) NOT NULL DEFAULT 'pending',
    "progress" INT NOT NULL DEFAULT 0,
    "format" VARCHAR(20) NOT NULL DEFAULT 'zip',
    "total_images" INT NOT NULL DEFAULT 0,
    "exported_images" INT NOT NULL DEFAULT 0,
    "file_size" BIGINT,
    "download_url" TEXT,
    "export_options" JSONB NOT NULL DEFAULT '{}'::jsonb,
    "started_at" TIMESTAMPTZ,
    "completed_at" TIMESTAMPTZ,
    "expires_at" TIMESTAMPTZ,
    "error_message" TEXT,
    "revision" BIGINT NOT NULL DEFAULT 0,
    "crawl_job_id" INT NOT NULL REFERENCES "crawl_jobs" ("id") ON DELETE CASCADE,
    "user_id" UUID NOT NULL REFERENCES "profiles" ("id") ON DELETE CASCADE,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
    "updated_at" TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX "ix_export_job_status" ON "export_jobs" ("status");
CREATE INDEX "ix_export_job_user_id" ON "export_jobs" ("user_id");
CREATE INDEX "ix_export_job_crawl_job_id" ON "export_jobs" ("crawl_job_id");
COMMENT ON TABLE "export_jobs" IS 'An export job; `download_url` is the file''s storage key, signed when it is read.';
CREATE TABLE "images" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "original_url" TEXT NOT NULL,
    "filename" VARCHAR(255) NOT NULL,
    "storage_url" TEXT,
    "width" INT,
    "height" INT,
    "file_size" INT,
    "format" VARCHAR(10),
    "status" VARCHAR(20) NOT NULL DEFAULT 'pending',
    "chunk" INT NOT NULL,
    "keyword" TEXT,
    "sha256" BYTEA,
    "phash" BIGINT,
    "issues" JSONB NOT NULL DEFAULT '[]'::jsonb,
    "provenance" JSONB NOT NULL DEFAULT '{}'::jsonb,
    "crawl_job_id" INT NOT NULL REFERENCES "crawl_jobs" ("id") ON DELETE CASCADE,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
    "updated_at" TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX "ix_image_crawl_job_id" ON "images" ("crawl_job_id", "id");
CREATE INDEX "ix_images_job_status" ON "images" ("crawl_job_id", "status", "id");
CREATE INDEX "ix_images_job_created" ON "images" ("crawl_job_id", "created_at", "id");
CREATE INDEX "ix_images_pending" ON "images" ("crawl_job_id", "chunk") WHERE status = 'pending';
CREATE INDEX "ix_images_sha256" ON "images" ("sha256") WHERE sha256 IS NOT NULL;
CREATE UNIQUE INDEX "uq_images_job_url" ON "images" ("crawl_job_id", (md5(original_url)::uuid));
CREATE UNIQUE INDEX "uq_images_job_sha256" ON "images" ("crawl_job_id", "sha256") WHERE status IN ('downloaded', 'valid', 'invalid');
COMMENT ON TABLE "images" IS 'An image; equal URLs within a job are one row, equal bytes within a job are stored by one row.';
CREATE TABLE "validation_jobs" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(100) NOT NULL,
    "status" VARCHAR(20) NOT NULL DEFAULT 'pending',
    "progress" INT NOT NULL DEFAULT 0,
    "total_images" INT NOT NULL DEFAULT 0,
    "validated_images" INT NOT NULL DEFAULT 0,
    "invalid_images" INT NOT NULL DEFAULT 0,
    "validation_rules" JSONB NOT NULL DEFAULT '{}'::jsonb,
    "started_at" TIMESTAMPTZ,
    "completed_at" TIMESTAMPTZ,
    "error_message" TEXT,
    "revision" BIGINT NOT NULL DEFAULT 0,
    "crawl_job_id" INT NOT NULL REFERENCES "crawl_jobs" ("id") ON DELETE CASCADE,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
    "updated_at" TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX "ix_validation_job_status" ON "validation_jobs" ("status");
CREATE INDEX "ix_validation_job_crawl_job_id" ON "validation_jobs" ("crawl_job_id");
COMMENT ON TABLE "validation_jobs" IS 'A validation job.';
ALTER TABLE "profiles" ADD CONSTRAINT "ck_profiles_role" CHECK (role IN ('user', 'admin'));
ALTER TABLE "profiles" ADD CONSTRAINT "ix_profiles_email" UNIQUE ("email");
ALTER TABLE "projects" ADD CONSTRAINT "ck_projects_status" CHECK (status IN ('active', 'archived'));
ALTER TABLE "crawl_jobs" ADD CONSTRAINT "ck_crawl_jobs_status" CHECK (status IN ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled'));
ALTER TABLE "crawl_jobs" ADD CONSTRAINT "ck_crawl_jobs_progress" CHECK (progress BETWEEN 0 AND 100);
ALTER TABLE "crawl_jobs" ADD CONSTRAINT "ck_crawl_jobs_max_images" CHECK (max_images >= 0);
ALTER TABLE "crawl_jobs" ADD CONSTRAINT "ck_crawl_jobs_total_images" CHECK (total_images >= 0);
ALTER TABLE "crawl_jobs" ADD CONSTRAINT "ck_crawl_jobs_downloaded_images" CHECK (downloaded_images >= 0);
ALTER TABLE "crawl_jobs" ADD CONSTRAINT "ck_crawl_jobs_valid_images" CHECK (valid_images >= 0);
ALTER TABLE "crawl_jobs" ADD CONSTRAINT "ck_crawl_jobs_total_chunks" CHECK (total_chunks >= 0);
ALTER TABLE "crawl_jobs" ADD CONSTRAINT "ck_crawl_jobs_active_chunks" CHECK (active_chunks >= 0);
ALTER TABLE "crawl_jobs" ADD CONSTRAINT "ck_crawl_jobs_completed_chunks" CHECK (completed_chunks >= 0);
ALTER TABLE "crawl_jobs" ADD CONSTRAINT "ck_crawl_jobs_failed_chunks" CHECK (failed_chunks >= 0);
ALTER TABLE "crawl_jobs" ADD CONSTRAINT "ck_crawl_jobs_keywords" CHECK (jsonb_typeof(keywords) = 'array');
ALTER TABLE "crawl_jobs" ADD CONSTRAINT "uq_crawl_jobs_idempotency_key" UNIQUE ("project_id", "idempotency_key");
ALTER TABLE "images" ADD CONSTRAINT "ck_images_status" CHECK (status IN ('pending', 'downloaded', 'valid', 'invalid', 'duplicate', 'failed'));
ALTER TABLE "images" ADD CONSTRAINT "ck_images_sha256" CHECK (octet_length(sha256) = 32);
ALTER TABLE "images" ADD CONSTRAINT "ck_images_chunk" CHECK (chunk >= 0);
ALTER TABLE "validation_jobs" ADD CONSTRAINT "ck_validation_jobs_status" CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled'));
ALTER TABLE "validation_jobs" ADD CONSTRAINT "ck_validation_jobs_progress" CHECK (progress BETWEEN 0 AND 100);
ALTER TABLE "validation_jobs" ADD CONSTRAINT "ck_validation_jobs_total_images" CHECK (total_images >= 0);
ALTER TABLE "validation_jobs" ADD CONSTRAINT "ck_validation_jobs_validated_images" CHECK (validated_images >= 0);
ALTER TABLE "validation_jobs" ADD CONSTRAINT "ck_validation_jobs_invalid_images" CHECK (invalid_images >= 0);
ALTER TABLE "export_jobs" ADD CONSTRAINT "ck_export_jobs_status" CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled', 'expired'));
ALTER TABLE "export_jobs" ADD CONSTRAINT "ck_export_jobs_progress" CHECK (progress BETWEEN 0 AND 100);
ALTER TABLE "export_jobs" ADD CONSTRAINT "ck_export_jobs_total_images" CHECK (total_images >= 0);
ALTER TABLE "export_jobs" ADD CONSTRAINT "ck_export_jobs_exported_images" CHECK (exported_images >= 0);
CREATE FUNCTION touch_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = now();
    RETURN NEW;
END $$;
CREATE FUNCTION touch_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = now();
    NEW.revision = OLD.revision + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER tr_profiles_touch BEFORE UPDATE ON "profiles" FOR EACH ROW EXECUTE FUNCTION touch_row();
CREATE TRIGGER tr_projects_touch BEFORE UPDATE ON "projects" FOR EACH ROW EXECUTE FUNCTION touch_row();
CREATE TRIGGER tr_images_touch BEFORE UPDATE ON "images" FOR EACH ROW EXECUTE FUNCTION touch_row();
CREATE TRIGGER tr_crawl_jobs_touch BEFORE UPDATE ON "crawl_jobs" FOR EACH ROW EXECUTE FUNCTION touch_job();
CREATE TRIGGER tr_validation_jobs_touch BEFORE UPDATE ON "validation_jobs" FOR EACH ROW EXECUTE FUNCTION touch_job();
CREATE TRIGGER tr_export_jobs_touch BEFORE UPDATE ON "export_jobs" FOR EACH ROW EXECUTE FUNCTION touch_job();
CREATE TABLE IF NOT EXISTS "aerich" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "version" VARCHAR(255) NOT NULL,
    "app" VARCHAR(100) NOT NULL,
    "content" JSONB NOT NULL
);"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
DROP TABLE "activity_logs";
DROP TABLE "export_jobs";
DROP TABLE "validation_jobs";
DROP TABLE "images";
DROP TABLE "crawl_jobs";
DROP TABLE "projects";
DROP TABLE "profiles";
DROP FUNCTION touch_job();
DROP FUNCTION touch_row();
"""


MODELS_STATE = (
    "eJztXWtT4zYU/SuafGF3JqU0wLLd7XQmPLalZaED2b47RsRKosWxgiUT0i3/vZL8tuXEDo"
    "lxjL7sEknHss+VJd2rI/lLa0xMZNHtbp/he8xmZ2TYege+tGw4RvwPVXYbtOBkEmWKBAZv"
    "LFke+gUNiwxlDryhzOGpPHMALYp4kolo38EThoktIF1gYRsBMgBshEBwAcAv8B5gBojLLH"
    "yPqMydOGSALcT/hkxkituk26Iek/R5Rdgeru6Sro3vXGQwMkS8oMMv/Nc/PBnbJnpAVPz8"
    "0hpgZJny75ZLkWNgsyXKoIeJgyjlT0gDWMAofjDiJBkBTLA4m8giLXkFTpv88dgGiXoY5j"
    "fI4HhStqYImF+XwE9uDVldoiF4dyjTjQB7arMPsqDg/8boE8sd21HhyYyNiB2WxjYTqUNk"
    "IwcyJC7PHFc0CNu1LL8BBW3E4z4q4pEew5hoAF1LNCuB9m4gSmsZxvlFz7g66RlGK9PkAk"
    "SsyfhJfU4j54LfKpVPPxS38FXnm72Dvbe7b/be8iLyNsOUg0ev6ogYDyjpOe+1HmU+ZNCI"
    "LBiRKszD7yhDbI9bRM1shEixy287zW7A5Tx6g4SI3+gtrYDgOez1Tn7viSuPKb2zRML5r9"
    "3Lox+7l68+dn9/LXNmfs7ZxfkPQXHCOxuvKzo/Ors4lAaICOevCnGdPvJoy/B+NIKOmvcM"
    "cCn6/bZbF/ZbY/hgWMgeshH/ub8zxxoB9/s7r1Ms+zkdmZXDtqrzKMC1shvRTCuYHiMGZS"
    "+T5fmnq4tzNc8JUIplE/cZ+I8PozTTadef7TnsCjbm9yrpDkRwQygbOvIq8gLpXiUxsCbZ"
    "P+akiWy1BRLAtAV85HbwR6Xd+9Wddez9erVlk+mr11uv19TNn348uep1P/6SsMpxt3cicj"
    "qJfj5IffUmZanwIuC3096PQPwEf16cn6SNF5br/SmmVS3oMmLwxzOgGecmSA6SEsaOzdeS"
    "pv706fRYbeYYJGVk18XmtgA26iWT79OuZ6Q4/fJBH+Ucc3CrnBAJprLMfiAOwkP7ZzST/J"
    "7y+4B2XzUM++7KL96cfmNJjVKjW3TgNJyWx1sUf3r+zIjJ5+f1g/NPZ2feRP4G9m+n0DGN"
    "BNsih3RIKiUsm80ad8bpFGjDoWRHPIa4aZ/4I36X1k/kpqXwIcO89jwHsi9KGZ/JTWHvUS"
    "IAR7wH1/y6Xwvs1zJxezK7BhTOKJh6zh0F10Qi6TXgxnDHyGZgRPiTqXzI1V24pCfJmzdz"
    "aQH3LiTL8CHtok4k93o/oz4r5q9GNjFiuGXqaoNlHi64wMKH1N5rld5r30GCCQOysvOeJF"
    "JPfDZj4jMxlzR3EqnNvRHmlv9nDJ3vtQflGxGXSvrr3+wUcdh5qVyPXeYlncZbNJsSx6Rl"
    "PPY45kkOe934rtpjF+bFYz6HVdCfOy9IghbPD1bFO288O2neg7TnnBlEdEYTs6K9RYSorr"
    "9oTZBtCloyjTiesYoOo1Okv+jkdxedTG/Bp8CiPZdprnFIdY0101Jr1EwZYdAq/96nYZpM"
    "OeCQqW0RaPJ5XWlGlVhNq0i5hxZegtE0TJPpjzLOci5LErkCl6WegcZGeCp9Mp6IAOhSkY"
    "gUVlu6zpb2RuL+yLVvyw/gEUx3jiJFaoNQeTYzOE1nsicpzagKqkkVKQOIrWUYzeA0nbIj"
    "hPTWwOViTnFM9TGn1ncD15aaN3DjYothm26L+r7POvGxUO7fra2//tl69+4zJfbN3601hX"
    "TXEpnylxHLWCgGqYeBRLULDfTlcTMNZCFIVa5Zvn0ihDbP2s2DHIc4xhhRyl3hrJXylbUZ"
    "YBN0h9Xra+8xVUqaD/Ewd7SOozZ6oP6209ndPejs7L55u793cLD/diccsbNZ84buw9MfxO"
    "id4Ds7nGMTjSeEIbs/M27RrEz8XQFtQnuvYN0uqWYpHouPgapr4zVXl8xRAvqMZTleRgwY"
    "XGnDKC6qBky2roQg8Kh7ddQ9PpmnB4yNnQ8T4rBQfJfqwH3wh58vkQVzdqH4lJ/IC/lav4"
    "aQnux5c+LzZUg6HfsTjSYSJNcjJAEraE6/hhdrWJNapxQ3egcVWtzEC5ovxk11CAXUuDbw"
    "ML5sNljoM1zHugbY23EppNlbFFDGR9whAnz60QaUd+nIBNMRssUmTF7SQdBUqHLXUMG61L"
    "kRe6XlucX3ksYqKb2TNFLYlq0qgcyvT+txtR5XCzS1HlebW+tx6+7Xaw2j1jBuwBLegDhj"
    "VY+f30wjRIXN9F88yTbRILGezVOrQ1fYTD1fYRltqAKpKZXvMfdqDYr/VcwC5i2uJGBLMV"
    "m3GP+zrLXEAw1llhXTuCasslS9qugHHpaQRmSRegl+7UvwWnX9EvxRrbp+KZbmnSjml1vC"
    "zkmktnKtrayFU1o49UKEU+nlq6I6/RRM63gU3D7b+Wh1I3YOa8sfkBY2wSy/pYVR8QO5Np"
    "Pbhcqo9Bur1kalm+8KuC1+At2mUpt3BF0Bxdk6ZS+eqkoheQnlVvlylyjiWEjpIou/B+jO"
    "hRb4dHlGwRSzEbYBFOIUAB0EiI2AQ6Ztv9DNjCFFKSFUQSbPDcordS9rrq6kCib9ZhVSkM"
    "hHKCoemSdWacdX34pXTZcS46RrTqolytbuo59QvdjUVrzO2LpgsfroCHb23xSvwC+/9PMQ"
    "Bw+xDS0ZIV1Qq3sXp9IPqS7Zfgo9ZrLChY9aSvA0b2bfMM1TJfN7rYzSoQzvpdXKqJdk7s"
    "QAkjF4fuAqjWuEUqrqwJXwcspK0+KYRpCekqbs7xfRpuzv54tTRF56UU2K2cu28RRMh2bL"
    "t/ApNrlZM5znTt3C8g0SW6wsOjhCeDhSDMu5bEYATWcpTdCLEwRtrsSybnymxNaFtNZzpN"
    "ZaaV21lNULERXvEsLyekVL0R/4p26XmXbFIE3oEaqeckVxtnTEzIbOLKePCDEpxmUUvFGc"
    "H/pCvJBzTvnh6Xn38g816YcK4d7hH72TbnqDxghSxUx3XpwyhDRoIlH1KS6UuuUOlIoQ9V"
    "CzNvpAtolD7pEdrPYWNVESVQ8zNVp0rCU9lR3NozUoa9CgPI9aIpCpKPQSMQVLvmLC/3h6"
    "4W/1TZDDuxZAHAABRc497vsfXpffygOM3CJb+S2+4sDFOoZSi7T5qrXVC9YWr9TGunVZk/"
    "hnT9GnP7eCra0XY/XqnF6MfYHmRmOIFStU+bG9EKBXAoutBA54xUbpJdc4qAkhqQpOBIH3"
    "fAhzyq64JlFNoLryvTDEKtW2g/IVrg0EKvEk3WFqfVYFMm5cvp+R+jIIZjPDIsMnHt3Y9S"
    "91RoYb2/Dnn3SpD00typR/TO0TaWrecb5rPQY0oEvt4QdMzvXwQ6MV8vC98kofPpZVcrdB"
    "8fMwg7OQFx+GWSoM8FKE2vpwSu0Gaq9fm1sfTlkrVzR+Zxma5xw+lYRpZ3QJKcpmiNW8jz"
    "JmXdJYen2cUn1cQFXHBejd7EHjWd9udsXC+BNd3AYuiq/Vx01+H0Th6WY+IJLv7yo+XFLE"
    "7Y1gYpu9yvtVlFjXhyeSz/C0/e6la9OfhtDet3bHtPetza2974Z43xviA27whiX9aYhVfN"
    "1df8BgdWT6s9plvmCggmpSvceW3JSnNAvUhMaamvC9HNcqt4tIhdUbVfTp+M8dO2rElFyf"
    "jv9SLK3PTX9Wrag+N12fm643WepNljXeZNlFDu6PWop1KT+nPW9BCkZlFq1D5bO64k2Rej"
    "3miesx98hRj1r5IcUYpIFx27XslBIvVQmG/eINZHctUXFeI0O2wrvJDznEINVHGp5n1ruy"
    "GEKJnTyrH8we/wfuKbue"
)
