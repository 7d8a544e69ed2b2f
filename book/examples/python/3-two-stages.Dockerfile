FROM python:3.13 AS builder

RUN python -m venv /opt/venv
ENV PATH="/opt/venv/bin:$PATH"

WORKDIR /app

COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt

FROM python:3.13-slim AS production

COPY --from=builder /opt/venv /opt/venv
ENV PATH="/opt/venv/bin:$PATH"

WORKDIR /app

COPY theatre ./theatre

EXPOSE 8000
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "theatre.app:app"]
