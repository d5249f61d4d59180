"""Validates cloud and API credentials, publishes the good ones, and protects those in use."""
