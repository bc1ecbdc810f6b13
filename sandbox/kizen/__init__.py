"""Kizen on localhost, as far as its public contract is known."""
