"""Singer tap for Kizen, a CRM."""
