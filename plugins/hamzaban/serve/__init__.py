"""Transcribe over HTTP and WebSocket, and on a page in the browser."""
