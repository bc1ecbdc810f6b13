"""What an account holds: the types of its columns, and its key."""
