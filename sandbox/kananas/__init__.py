"""Kananas on localhost, as far as it is documented, and in each form that is assumed."""
