"""One job a file: a coroutine function that takes what it needs and may run twice."""
