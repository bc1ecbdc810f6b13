"""The whole on one machine: a stand-in of both services, Meltano, and the joined data."""
