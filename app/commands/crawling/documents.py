"""The operations that the command line asks for."""

from __future__ import annotations

_ERRORS = "errors { code message path limit actual allowed }"

SOURCES = "query Sources { sources { name available reason } }"

PREVIEW = f"""
query SourcePreview($input: SourcePreviewInput!) {{
  sourcePreview(input: $input) {{
    entries {{ source keyword term by total error {{ code message path limit actual allowed }}
      candidates {{ url thumbnailUrl landingUrl title creator license licenseUrl }} }}
    {_ERRORS}
  }}
}}"""

CREATE_PROJECT = f"""
mutation CreateProject($input: CreateProjectInput!) {{
  createProject(input: $input) {{ project {{ id }} {_ERRORS} }}
}}"""

CREATE_UPLOAD = f"""
mutation CreateUrlListUpload($input: CreateUrlListUploadInput!) {{
  createUrlListUpload(input: $input) {{ uploadId uploadUrl {_ERRORS} }}
}}"""

CREATE_CRAWL = f"""
mutation CreateCrawlJob($input: CreateCrawlJobInput!) {{
  createCrawlJob(input: $input) {{ crawlJob {{ id }} {_ERRORS} }}
}}"""

RECRAWL = f"""
mutation RecrawlCrawlJob($input: RecrawlCrawlJobInput!) {{
  recrawlCrawlJob(input: $input) {{ crawlJob {{ id name project {{ id }} }} {_ERRORS} }}
}}"""

DIFFERENCE = """
query Difference($id: ID!) { crawlJob(id: $id) { difference { new changed unchanged gone undecided } } }"""

CANCEL_CRAWL = f"""
mutation CancelCrawlJob($id: ID!) {{ cancelCrawlJob(id: $id) {{ crawlJob {{ id }} {_ERRORS} }} }}"""

FOLLOW_CRAWL = """
subscription CrawlJobProgress($id: ID!) {
  crawlJobProgress(id: $id) {
    imagesPerSecond bytesPerSecond etaSeconds
    crawlJob { id status progress totalImages downloadedImages validImages errorMessage }
  }
}"""

CREATE_VALIDATION = f"""
mutation CreateValidationJob($input: CreateValidationJobInput!) {{
  createValidationJob(input: $input) {{ validationJob {{ id }} {_ERRORS} }}
}}"""

FOLLOW_VALIDATION = """
subscription ValidationJobProgress($id: ID!) {
  validationJobProgress(id: $id) {
    validationJob { id status progress totalImages validatedImages invalidImages errorMessage }
  }
}"""

CREATE_EXPORT = f"""
mutation CreateExportJob($input: CreateExportJobInput!) {{
  createExportJob(input: $input) {{ exportJob {{ id }} {_ERRORS} }}
}}"""

FOLLOW_EXPORT = """
subscription ExportJobProgress($id: ID!) {
  exportJobProgress(id: $id) {
    bytesPerSecond
    exportJob { id status progress totalImages exportedImages fileSize errorMessage }
  }
}"""

EXPORT = """
query ExportJob($id: ID!) { exportJob(id: $id) { id status exportedImages fileSize downloadUrl } }"""

COUNTS = """
query Counts($id: ID!) {
  crawlJob(id: $id) {
    duplicates: images(first: 1, filter: { status: [DUPLICATE] }) { totalCount }
    failed: images(first: 1, filter: { status: [FAILED] }) { totalCount }
    invalid: images(first: 1, filter: { status: [INVALID] }) { totalCount }
  }
}"""

INVALID = """
query Invalid($id: ID!, $after: String) {
  crawlJob(id: $id) {
    images(first: 100, after: $after, filter: { status: [INVALID] }) {
      nodes { issues { code message } }
      pageInfo { hasNextPage endCursor }
    }
  }
}"""

FAILURES = """
query Failures($id: ID!) {
  crawlJob(id: $id) {
    failures(first: 1) { retryable byReason { code message count statuses { httpStatus count } } }
  }
}"""

LEDGER = """
query Ledger($id: ID!, $format: FailuresFormat!) { crawlJob(id: $id) { failuresUrl(format: $format) } }"""
