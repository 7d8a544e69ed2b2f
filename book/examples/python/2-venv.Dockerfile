FROM python:3.13

RUN python -m venv /opt/venv
ENV PATH="/opt/venv/bin:$PATH"

WORKDIR /app

COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt

COPY theatre ./theatre

EXPOSE 8000
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "theatre.app:app"]
