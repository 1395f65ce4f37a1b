"""``/sandbox/...``: what no Meta server has: the phones, faults, the clock, the account's switches, the story."""
