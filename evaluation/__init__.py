"""How good the links of contacts to companies are, why each is there, and whether engines agree."""
