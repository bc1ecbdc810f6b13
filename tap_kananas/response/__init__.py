"""What the service sends: where its records are, and what it sends instead of them."""
