"""How a check is declared and run, and what several tools judge."""
