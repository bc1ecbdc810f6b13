"""For people: pages that show the joined data, and let people decide."""
