"""Large inputs and long loops, each measured in a process of its own."""
