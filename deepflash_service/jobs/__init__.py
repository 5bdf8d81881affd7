"""Who runs a job: the table of jobs, the supervisor, the worker processes."""
