"""How far a shop can go, and what gives way first: rates tried as a ladder, and the evidence of each rung."""
