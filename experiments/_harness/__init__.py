"""The runner of all scripts: command line, seeds, resume, results, reports."""
