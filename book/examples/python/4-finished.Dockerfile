FROM python:3.13 AS builder

RUN python -m venv /opt/venv
ENV PATH="/opt/venv/bin:$PATH"

WORKDIR /app

COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt

FROM python:3.13-slim AS production

RUN useradd --system --uid 10001 --no-create-home usher

COPY --from=builder /opt/venv /opt/venv
ENV PATH="/opt/venv/bin:$PATH"

WORKDIR /app

COPY theatre ./theatre

USER usher
EXPOSE 8000
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "theatre.app:app"]
