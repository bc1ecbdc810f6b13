"""How requests leave, and what may go wrong below HTTP."""
