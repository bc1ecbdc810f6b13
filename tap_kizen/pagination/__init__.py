"""How the pages of a list are asked for so that nothing is missed."""
