"""Serves any tap of the Singer SDK as a source of the Airbyte protocol."""
