"""The seven tables together: what Tortoise and aerich are told to load."""

from __future__ import annotations

from app.models.activity_log import ActivityLog
from app.models.crawl_job import CrawlJob
from app.models.export_job import ExportJob
from app.models.image import Image
from app.models.profile import Profile
from app.models.project import Project
from app.models.validation_job import ValidationJob

__all__ = ["ActivityLog", "CrawlJob", "ExportJob", "Image", "Profile", "Project", "ValidationJob"]
