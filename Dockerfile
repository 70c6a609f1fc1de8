# Hagaki in a container: built as a wheel, run without root, all state in /data.
#   docker build -t hagaki . && docker run -p 127.0.0.1:8080:8080 -v hagaki:/data hagaki

FROM python:3.13-slim AS build
WORKDIR /src
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# What is installed is what the hashes say; `make lock` brings the two files up to date.
COPY deploy/requirements.txt deploy/requirements-build.txt ./deploy/
RUN python -m venv /opt/hagaki && /opt/hagaki/bin/pip install --require-hashes -r deploy/requirements.txt \
 && python -m venv /opt/build && /opt/build/bin/pip install --require-hashes -r deploy/requirements-build.txt
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY profiles ./profiles
COPY templates ./templates
COPY webapp ./webapp
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
 && /opt/hagaki/bin/pip install --no-deps /wheel/*.whl

FROM python:3.13-slim
RUN groupadd --gid 10001 hagaki \
 && useradd --uid 10001 --gid hagaki --home-dir /data --no-create-home --shell /usr/sbin/nologin hagaki \
 && install -d -o hagaki -g hagaki -m 0700 /data
COPY --from=build /opt/hagaki /opt/hagaki
ENV PATH=/opt/hagaki/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HAGAKI_DATA=/data \
    HAGAKI_BIND=0.0.0.0:8080
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["hagaki"]
CMD ["serve"]
