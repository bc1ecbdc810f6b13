"""Invented contacts and companies, the same for the same seed, and which belongs to which."""
