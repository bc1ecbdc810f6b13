"""A sample of contacts that a person judges blind, to prove how right the links are."""
