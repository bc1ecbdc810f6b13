"""What this distribution installs as commands."""
