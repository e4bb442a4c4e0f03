# docker build -t explorer . && docker run --rm -p 8501:8501 -v explorer-runs:/runs explorer
FROM python:3.11-slim

WORKDIR /app
# For the CPU alone: pip's torch for Linux brings CUDA, several gigabytes that nothing here needs.
RUN pip install --no-cache-dir torch torchvision --index-url https://download.pytorch.org/whl/cpu
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .

RUN useradd --create-home explorer && mkdir -p /runs /data && chown explorer /runs /data
USER explorer
ENV EXPLORER_RUNS=/runs EXPLORER_DATA=/data PYTHONUNBUFFERED=1
VOLUME ["/runs", "/data"]
EXPOSE 8501
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=5)"]
CMD ["python", "streamlit_app.py", "--public"]
