"""What may be said to whom, in which words: the library that intake, dispatch and webhooks share.

`plan` turns what an event did and one contact into drafts of messages, `worlds` gathers what that may look at. Nothing here
sends or stores anything.
"""
