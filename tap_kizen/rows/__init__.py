"""From values of Kizen to columns."""
