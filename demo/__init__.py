"""Days to watch: an airline booking, a rail order and a broadband outage, told to six people and to five at home.

What runs is the product: `main.py run` with all roles and an embedded store, and the sandbox in Meta's place, each a process
of its own. `player` turns the clock from one step of the story to the next and sends events over HTTP like any source would;
`bridge` tells the sandbox's phones why each message came and what was not sent; `agent` answers at the desk through the API.
Data lies in a directory of its own (stamped); stopped, the story goes on where it was, and `--again` starts anew.
"""
