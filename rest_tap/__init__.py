"""What both taps share: how an HTTP service is asked, and how a failure is told."""
