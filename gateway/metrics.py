"""Every counter, gauge and histogram, in one list. Labels are bounded: closed lists of words, never an id.

What facts say is counted by their fold, in whichever process holds a partition: add the processes up. What only a process knows
(answers, slots, leases) it counts itself. A number here and a line of the history come from the same fact, so they agree.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

PREFIX = "thuisfront"
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
NAMES_MAX = 200
"""How many different words an open label (a notification, a sender) may take; further ones are "other"."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Metrics:
    """One set for one process, in a registry of its own, so that tests can have several."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self._names: dict[str, set[str]] = {}

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, namespace=PREFIX, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, namespace=PREFIX, registry=registry)

        def histogram(name: str, text: str, *labels: str) -> Histogram:
            return Histogram(name, text, labels, namespace=PREFIX, registry=registry, buckets=SECONDS)

        # What happened, from the facts
        self.facts = counter("facts_total", "Changes of state folded, by kind", "kind")
        self.facts.labels("safety")  # there from the start: the first one must be seen as an increase
        self.planned = counter("messages_planned_total", "Messages enqueued, by notification", "notification")
        self.ended = counter(
            "messages_ended_total", "Messages that ended without arriving, by how and why", "kind", "reason"
        )
        self.unreached = counter("messages_unreached_total", "People whom no channel told in time, by reason", "reason")
        self.to_accepted = histogram("message_accepted_seconds", "From due to accepted by the channel")
        self.to_delivered = histogram("message_delivered_seconds", "From accepted to delivered")
        self.family_left = counter("family_members_left_total", "Relatives who follow no more, by why", "why")
        self.family_asked = counter("family_questions_total", "Questions of relatives: answered at once, or for a person", "by")
        self.gaps = counter("facts_gaps_total", "Times that the store went back behind what was folded")
        self.fold_lag = gauge("fold_lag_seconds", "Age of the oldest fact of the last turn that was folded")
        self.fold_held = gauge("fold_partitions", "Partitions whose facts this process folds")
        self.fold_seconds = histogram("fold_turn_seconds", "How long one turn of the fold took")
        self.fold_failures = counter("fold_failures_total", "Turns of the fold that failed and were begun again")

        self.documents = counter(
            "documents_total", "Pictures and pages by kind, form and outcome: made, or why not", "kind", "form", "outcome"
        )
        self.document_seconds = histogram("document_seconds", "From asked to made and read back")

        # What comes in
        self.events_in = counter("events_received_total", "Events by answer: new, same, other, refused, busy", "answer")
        self.source_entries = counter(
            "source_entries_total", "Entries of sources by answer: kept, or why they are dead letters", "source", "answer"
        )
        self.source_up = gauge("source_up", "1 while a source answers", "source")
        self.source_paused = gauge("source_paused", "1 while nothing more is taken up from a source", "source")
        self.source_waiting = gauge("source_entries_waiting", "Entries of a source that nobody was handed yet", "source")
        self.source_pending = gauge("source_entries_pending", "Entries handed out and not yet kept", "source")
        self.source_dead = gauge("source_entries_dead", "Dead letters of a source", "source")
        self.source_oldest = gauge("source_oldest_seconds", "Age of the oldest entry that is not kept yet", "source")
        self.webhooks_in = counter(
            "webhooks_received_total", "Webhooks by channel and answer: kept, bad_signature, too_large, failed",
            "channel", "answer",
        )  # fmt: skip
        self.webhooks_waiting = gauge("webhooks_waiting", "Kept webhooks and items that are not applied yet")
        self.moment_late = histogram("moment_late_seconds", "From when a moment of a subject was due to its event being kept")
        self.fuses_blown = counter("fuses_blown_total", "Events held for reaching too many: number, unusual", "why")

        # What goes out
        self.sends = counter("sends_total", "Attempts by channel and outcome", "channel", "outcome")
        self.send_seconds = histogram("send_seconds", "From the first byte out to the channel's answer", "channel")
        self.slots_busy = gauge("dispatch_slots_busy", "Sends under way in this process")
        self.queued = gauge("messages_queued", "Messages in lanes and waiting to be due", "sender")
        self.settling = counter("messages_settling_total", "Messages that waited until a value that flapped had settled")
        self.played_again = counter("dispatch_played_again_total", "Claims that a failover had taken back and were put back")
        self.events_open = gauge("events_open", "Events whose fan-out is not closed")
        self.dead_letters = gauge("dead_letters", "Messages in the dead letters")
        self.budget_used = gauge("budget_used_ratio", "What is spent of a budget in its present period", "budget")
        self.sender_paused = gauge("sender_paused", "1 while a sender may not send", "sender")

        # The whole installation, as the store has it: every process with the scheduler says the same, so take the highest
        self.messages_due = gauge("messages_due", "Messages due and not handed over, of senders that may send", "sender")
        self.oldest_due = gauge("oldest_due_seconds", "Age of the oldest message that is due and not handed over", "priority")
        self.sender_slowed = gauge("sender_slowed", "1 while the channel has us send slower", "sender")
        self.tier_used = gauge("tier_used_ratio", "People written to in 24 h against the portfolio's tier", "sender")
        self.templates_blocked = gauge("templates_blocked", "Templates in use that the channel stopped", "sender")
        self.travelling = gauge("people_travelling", "About so many people's journeys end within 24 h, from a sample of contacts")
        self.limit_reached = gauge(
            "limit_reached", "1 once so many percent of a limit are used: tier (of a sender), budget, trouble of a roll-out",
            "limit", "name", "level",
        )
        self.brakes = gauge("brakes_pulled", "Brakes in force")
        self.fans_open = gauge("fanouts_open", "Events whose people are being told, by priority", "priority")
        self.fan_people = gauge(
            "fanout_people", "People of the most urgent of those events: told, waiting", "priority", "state"
        )
        self.sender_rate = gauge("sender_rate_per_second", "What a sender may send a second now, of its own rate", "sender")
        self.parked_hour = gauge(
            "parked_hour", "Events, items and webhooks set aside in the last hour: they could not be handled", "kind"
        )
        self.webhooks_oldest = gauge("webhooks_oldest_seconds", "Age of the oldest kept webhook that is not applied yet")
        self.store_memory = gauge("store_memory_ratio", "Memory of the store in use, of what it may; 0 without a limit")
        self.store_at_risk = gauge("store_at_risk", "1 for what stands against the store keeping its promise", "why")

        # Alerts, in the process that watches
        self.alerts_firing = gauge("alerts_firing", "Alerts that fire now, by rule", "alert")
        self.alert_posts = counter("alert_posts_total", "Posts to GATEWAY_ALERT_URL: delivered, failed", "outcome")

        # Outgoing webhooks
        self.outgoing = counter(
            "outgoing_webhooks_total", "Tries of outgoing webhooks: delivered, retry, dead, dropped", "outcome"
        )
        self.outgoing_waiting = gauge("outgoing_webhooks_waiting", "Outgoing webhooks by state: queued, retrying, dead", "state")

        # Webcare
        self.conversations = gauge(
            "conversations_open", "Unresolved conversations by queue; taken = with an agent, or held elsewhere", "queue"
        )
        self.routed = counter("conversations_routed_total", "What giving conversations to agents came to", "answer")
        self.waiting_beside_free = gauge(
            "waiting_beside_free", "Conversations that waited over 3 s beside an agent who could have had them; at who routes"
        )
        self.slots_mended = counter("slots_mended_total", "Slots of agents that the hourly count found wrong, and mended")
        self.agents_present = gauge("agents_present", "Agents with the desk open, at this process")

        # This process
        self.ready = gauge("ready", "1 while every check of readiness passes")
        self.check_failed = gauge("check_failed", "1 for each check of readiness that fails", "check")
        self.loop_late = gauge("loop_late_seconds", "How long a loop has been silent beyond its time", "loop")
        self.role = gauge("role", "1 for each role of this process", "role")
        self.clock_skew = gauge("clock_skew_seconds", "This process's clock against the store's, either way")
        self.loop_failures = counter("loop_failures_total", "Errors caught at the top of a role's loop", "role")

    def bounded(self, label: str, value: str) -> str:
        """A label's value, or "other" once this label has taken too many different ones."""
        names = self._names.setdefault(label, set())
        if value in names:
            return value
        if len(names) >= NAMES_MAX:
            return "other"
        names.add(value)
        return value

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self.registry)


def metrics_handler(metrics: Metrics) -> Handler:
    """GET /metrics for the internal listener."""

    async def get_metrics(request: web.Request) -> web.StreamResponse:
        return web.Response(body=metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return get_metrics
