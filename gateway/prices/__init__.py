"""What messages cost: price lists and budgets as data, from the files in prices/.

What flows through: a message about to be sent (channel, category, the country of its number, its time) -> its expected price;
what the channel said of it later -> its real one. Amounts are whole millionths of a currency unit, never floats. What no list
knows is unknown, never nought.

What may fail: a file. One with a gap, an overlap, a wrong currency or a negative price is refused at start, with its line and the
mend; changed for the worse while the gateway runs, it is left alone and the last good one stays in force.
"""
