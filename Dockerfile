# The MCP server in a container: no root, nothing written, no credentials in it.
#
#   docker build -t aws-iam .
#   docker run -i --rm --read-only --cap-drop ALL --security-opt no-new-privileges aws-iam
#
# The base is named by its tag. Whoever publishes an image pins the digest of the day: FROM python:…@sha256:….
FROM python:3.13-slim-trixie AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE SKILL.md ./
COPY server server
COPY assets assets
COPY references references
COPY skills skills
RUN python -m venv /opt/aws-iam \
    && /opt/aws-iam/bin/python -m pip install --no-cache-dir --disable-pip-version-check .

FROM python:3.13-slim-trixie
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
