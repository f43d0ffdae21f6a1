listen "0.0.0.0:8000"
worker_processes 8
