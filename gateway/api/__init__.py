"""The internal API that is not events: contacts, messages, subscriptions, keys, and the page that describes all of it.

Every request carries a key (auth.py), every refusal is problem JSON that names the field and what it should be and
never repeats a value (problems.py, fields.py). What identifies a person is masked unless the key may reveal it and the
request asks; no number, name or booking code need stand in a URL, for URLs end in the logs of proxies.

What may fail: 400 and 422 for what is wrong in a request, 401 and 403 for a key, 404, 409 for what has changed, 503 for
a store that does not answer: every call may be repeated. What is promised: a consent, a proof or a withdrawal that was
answered 200 is on disk, and the later word of the person wins whatever order they came in.
"""
