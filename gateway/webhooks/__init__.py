"""Role: from the channel back to us.

`api` verifies raw bytes, keeps them, answers 200; nothing is parsed before it is kept. `split` turns each kept webhook into
items and puts every item into the inbox of its contact's partition, once. `apply` takes an inbox in order: statuses and
evidence go to their message; a stop takes effect before anything else; a message opens the window and reaches the desk. What
others say to a person, and who holds the thread, is shown there too, and never taken for the person's words.

What may fail: an item that fails three times is parked alone, with the reason. What is promised (P6): a webhook answered with
200 is on disk and applied once, and a status never goes back. Only what a person does makes a contact.
"""
