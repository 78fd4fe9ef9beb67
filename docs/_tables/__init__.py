"""Tables by system: functions from committed result files to markdown."""
