"""The review page: a person decides what the rules cannot."""
