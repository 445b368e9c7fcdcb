"""What was found: findings, heat maps, label maps, and their writers and readers."""
