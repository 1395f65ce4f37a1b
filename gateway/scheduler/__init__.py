"""Role: what happens because of the time, and what reads facts.

Jobs (jobs/, one a file) are fired by APScheduler; a lease lets one process run each. The fold of the facts and the sender of
outgoing webhooks run here too. A job that fails is logged, counted and run again at its next time; none holds up another.
"""
