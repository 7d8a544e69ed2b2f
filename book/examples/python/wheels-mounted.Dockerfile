FROM python:3.13 AS builder

WORKDIR /app

COPY requirements.txt ./
RUN pip wheel --no-cache-dir --wheel-dir /wheels -r requirements.txt

FROM python:3.13-slim AS production

RUN useradd --system --uid 10001 --no-create-home usher

RUN --mount=type=bind,from=builder,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links=/wheels /wheels/*.whl

WORKDIR /app

COPY theatre ./theatre

USER usher
EXPOSE 8000
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "theatre.app:app"]
