"""Notifications are data: `templates/<notification>/` says when it is told, to whom, until when, in what words.

What flows through: a context (event, its data, the subject's state and changes, the person) goes in; whether it
applies, until when it is of use, and a `Rendering` in the reader's language come out. `catalogue.load` reads a folder
and refuses it as a whole, naming every problem; what it hands out is trusted after that. Nothing here does I/O at run
time.

May fail: a condition that asks for a field the event does not have is false, and counted; a parameter without a value
and without words for that case raises CannotRender, so that nothing half empty is ever sent.

    catalogue.py   load(directory) -> Catalogue; yamlfile.py, schema.py and declare.py are its steps
    model.py       Notification; parts.py what it is made of; render.py what it says to one reader
    expressions.py paths and CEL, compiled once; Scope: one event's context, shared by all its readers
    texts.py       the words in one language; formats.py times, money, lists by CLDR; places.py, brands.py, wordings.py
    lint.py        a channel's rules (template_rules.py) and our own; graph.py who replaces and ends whom
    preview.py     as on the phone; push.py what to create at the channel, over the door in remote.py
"""
