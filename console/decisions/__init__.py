"""What people decide about links and duplicates, in a file of its own."""
