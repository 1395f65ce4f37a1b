"""The assistant: what the house says by itself in a conversation, and the first answer to a simple question.

What flows through: a person's words come to `hear` before the desk sees them. Are they a plain question for how things stand, and
is there something of theirs that is open, they are told what its sources said, who said so and how long ago; nothing is worked
out. Do they begin a dialog of `dialogs/`, its questions are asked by buttons, and the answers lie on the card of who reads on.
All else, the first miss, "person" at any depth, or words that cannot wait: a person, at once, with what was guessed.

What is promised: it says that it is automatic, first thing of each stretch, and every message of its own stands below a label;
a person is one word away; it answers nobody who waits for a person or has one, who is in danger, who complains, or whom a crisis
is about. What may fail: a source that does not answer in time is "unknown"; an answer that comes after the conversation changed
hands is dropped (its epoch is another) and leaves a fact. Every step may be done twice: what was decided for one message is kept
under that message's key, sealed, and is said once.

`lines` are the words, `saying` says them: the one place also for the router's "closed" and "full", and "a colleague takes over".
"""
