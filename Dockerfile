# One image for both: the web process (the default command) and workers (`manage.py qcluster`).
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
RUN useradd --create-home runner && mkdir -p var && chown runner var
USER runner
EXPOSE 8000
CMD ["uvicorn", "taskrunner.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--timeout-graceful-shutdown", "3"]
