# syntax=docker/dockerfile:1
# One image for every process: web, workers, Beat, the migrating job. Two stages: what builds wheels
# does not travel.
FROM python:3.13-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY requirements/uv.txt requirements/production.txt requirements/
RUN python -m pip install --require-hashes -r requirements/uv.txt \
 && python -m venv /venv \
 && python -m uv pip sync --python /venv/bin/python --require-hashes requirements/production.txt

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="svoykrug"
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    ENVIRONMENT=production HOST=0.0.0.0 PORT=8000 STATIC_ROOT=/srv/static
# A fixed number: files on volumes keep their owner from image to image.
RUN groupadd --system --gid 10001 app \
 && useradd --system --uid 10001 --gid app --home-dir /nonexistent --shell /usr/sbin/nologin app \
 && mkdir -p /srv/app /srv/static /srv/state && chown app:app /srv/static /srv/state
WORKDIR /srv/app
COPY --from=build /venv /venv
COPY --chown=root:root . .
# Static files are part of the image: no secret is needed to collect them, so throw-away ones do.
RUN SECRET_KEY=build FIELD_KEYS=k:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
    INDEX_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
    CODE_PEPPER=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
    ANALYTICS_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
    DATABASE_URL=postgres://u:p@127.0.0.1:5432/d REDIS_URL=redis://127.0.0.1:6379 \
    CLICKHOUSE_URL=http://u:p@127.0.0.1:8123/d JWT_KEYS_DIR=/tmp \
    python manage.py collectstatic --noinput \
 && python -m compileall -q apps svoykrug
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
CMD ["gunicorn", "svoykrug.wsgi", "--config", "svoykrug/gunicorn.conf.py"]
