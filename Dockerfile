# The MCP server in a container: no root, nothing written, no shell used, no credentials in it. One server for a team:
# assets/deploy/team/README.md.
#
#   docker build -t aws-iam .
#   docker run -i --rm --read-only --cap-drop ALL --security-opt no-new-privileges aws-iam
#
# The base is one content, for all platforms (Python 3.13.15, Debian 13.6, September 2026): Dependabot proposes newer ones.
FROM python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285 AS build
WORKDIR /src
# pip and what builds the wheel stay in this stage.
COPY .ci/requirements/build.txt .ci/requirements/run.txt requirements/
RUN python -m venv /opt/build \
    && /opt/build/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement requirements/build.txt \
    && python -m venv --without-pip /opt/aws-iam \
    && /opt/build/bin/pip --python /opt/aws-iam install --no-cache-dir --require-hashes --requirement requirements/run.txt
COPY pyproject.toml README.md LICENSE SKILL.md ./
COPY server server
COPY assets assets
COPY references references
COPY skills skills
RUN /opt/build/bin/pip --python /opt/build wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheel . \
    && /opt/build/bin/pip --python /opt/aws-iam install --no-cache-dir --no-deps /wheel/*.whl

FROM python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285
# generated: labels
LABEL org.opencontainers.image.title="AWS IAM" \
      org.opencontainers.image.description="AWS IAM checked, not guessed: policies, secrets, KMS, workload identity, a read-only CIS audit." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0" \
      io.modelcontextprotocol.server.name="io.github.OWNER/aws-iam-mcp"
# end generated
ENV PATH=/opt/aws-iam/bin:$PATH \
    HOME=/home/aws-iam \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
COPY --from=build /opt/aws-iam /opt/aws-iam
COPY assets/deploy/healthcheck.py /opt/aws-iam/healthcheck.py
# By number, so that a cluster can see that it is not root.
USER 65532:65532
# On standard input and output there is nothing to ask: healthy. With `--http HOST:PORT` it asks the server.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["python", "/opt/aws-iam/healthcheck.py"]
ENTRYPOINT ["aws-iam-mcp"]
