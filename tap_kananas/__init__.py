"""Singer tap for Kananas, the back office of associations and clubs."""
