"""What this machine remembers: models, jobs, and where results came from."""
