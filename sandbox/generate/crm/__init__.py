"""The CRM's objects, records and lists as the current generation of Kizen's API serves them."""
