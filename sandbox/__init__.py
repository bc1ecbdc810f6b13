"""Kananas and Kizen on localhost, over generated, invented data with a known truth."""
