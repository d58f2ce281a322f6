"""`make bench`: figures as ratios of things measured in one run, interleaved, on the project's own PostgreSQL."""
