"""How long a plan's cargo takes from door to door, and how far that varies: a seeded simulation."""
