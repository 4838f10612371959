"""What a process can still reach once it has begun to work for somebody else."""
