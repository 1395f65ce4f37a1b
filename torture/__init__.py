"""Torture: a whole house under fire, and a count at the handsets.

Several gateway processes, a store of its own (every write on disk) and the sandbox, which is the world, talk to each other on
loopback. Producers send events (twice, shuffled, again until they are answered); the world loses answers, refuses, throttles,
and brings its webhooks twice, late and shuffled; every two seconds one of the gateways or the store is killed with SIGKILL and
started again. Then nobody is killed any more, the house comes to rest, and what lies on the handsets is counted against what the
producers were answered 202:

    lost      somebody who was due news neither has it nor is named, with a reason, among those who were not told
    disorder  on one handset an older version of a subject lies behind a newer one
    stale     something older was handed over although what replaces or ends it had been planned for this person
    doubles   a message lies there twice although the channel had given evidence in time; the others are listed with reasons
    strange   a message on the wrong handset, with other words than its event's, or that no event explains
    refused   an event that was never answered 202, or was answered otherwise

    python -m torture [--seconds N] [--seed N] [--report docs/torture.md] [--json] [--keep]

cast.py says who and what, from the seed alone; house.py starts, kills and starts again; judge.py, with seen.py and case.py,
counts and does no I/O. The process that runs it owns all others and takes them down with it. What a seed cannot repeat is how the
machine shares its cores: the same seed brings the same events, faults and victims, not the same interleaving.
"""
