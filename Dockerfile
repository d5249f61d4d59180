# The operator's image: one virtual environment with the operator and what requirements.lock names, on a base that has
# Python 3.11 or later with its venv module. The base is all that comes from an image registry:
#   docker build --build-arg BASE=registry.example.com/python:3.13-slim .
ARG BASE=docker.io/library/python:3.13-slim

FROM ${BASE} AS build
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
# What builds stays outside of what is built: the environment has no pip and no wheel of its own.
RUN python3 -m venv /tools \
 && /tools/bin/pip install --no-cache-dir --require-hashes --requirement requirements-build.lock \
 && python3 -m venv --without-pip /opt/credential-operator \
 && /tools/bin/pip --python /opt/credential-operator/bin/python install --no-cache-dir --no-compile \
    --only-binary :all: --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
# Byte code that no time stamp gets into: the same sources give the same bytes, and the root may be read-only.
RUN /tools/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /tools/bin/pip --python /opt/credential-operator/bin/python install --no-cache-dir --no-compile --no-deps \
    /wheels/*.whl \
 && /opt/credential-operator/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/credential-operator/lib

FROM ${BASE}
ARG BASE
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="credential-operator" \
      org.opencontainers.image.description="Validates cloud and API credentials, publishes them, and protects what is in use" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}"
COPY --from=build /opt/credential-operator /opt/credential-operator
ENV PATH=/opt/credential-operator/bin:$PATH \
    PYTHONUNBUFFERED=1
USER 65532:65532
ENTRYPOINT ["credential-operator"]
CMD ["run"]
