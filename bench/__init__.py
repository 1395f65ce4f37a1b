"""What `python main.py bench` measures: ours beside the bare limit of this machine, in one run.

Figures of different machines, or of one machine at different hours, cannot be compared; ratios of neighbouring rounds can. So
ours and the bare limit take turns (bare, ours, bare, ours ...), each row gives the medians of both and the median of the rounds'
own ratios. Everything runs on loopback, on free ports, in a directory that is deleted, on a real embedded store with fsync on
every write. Beside this process there are the store, a no-op Graph API (noop.py), a generator of webhooks (load.py) and, for the
latency, a gateway of its own started as an operator would. All of them end with the run.

    stage.py      a store, a runtime, a crowd of contacts with subscriptions, events about their flights
    dispatch.py   queue -> wire, beside bare POSTs          webhooks.py  webhook -> 200, beside a bare handler
    documents.py  boarding passes drawn and read back, beside the bare calls of the libraries
    latency.py    event -> wire, beside XADD and POST       memory.py    bytes in the store, beside the prototype's
"""
