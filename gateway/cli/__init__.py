"""What `python main.py COMMAND` does. Each command takes parsed arguments and gives back an exit code; main.py only parses."""
