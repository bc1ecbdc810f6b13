"""Receives webhooks, keeps each whole, and starts a refresh once they pause."""
