# wbs-sync as a non-root image. Targets: app (the product) and demo (with the simulators).
# A release build names this image by digest: .ci/images prints the current digest of the tag.
ARG PYTHON_IMAGE=python:3.12-slim-bookworm
FROM ${PYTHON_IMAGE} AS base
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app

FROM base AS build
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN uv sync --locked --no-dev --no-install-project
COPY config config
COPY worker worker
COPY tasks tasks
COPY probe probe
RUN uv sync --locked --no-dev

FROM build AS build-demo
COPY simulators simulators
RUN uv sync --locked --no-dev --extra demo

# uv stays behind in the build stages.
FROM base AS app
RUN groupadd --gid 10001 wbs \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin wbs \
    && install --directory --owner=wbs --group=wbs /data
COPY --from=build /app /app
USER 10001:10001
CMD ["wbs-sync", "--help"]

FROM app AS demo
COPY --from=build-demo /app /app
