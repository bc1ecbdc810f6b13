"""Runs the whole: each source by itself, then what is made of both; says and tells what fails."""
